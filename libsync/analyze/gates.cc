#include "libsync/analyze/gates.h"

#include <algorithm>
#include <utility>

#include "absl/hash/hash.h"
#include "libsync/analyze/lookup.h"

namespace gordian::analyze {
namespace {

using trace::Index;
using trace::kNoIndex;

// Pairs remembered before all is forgotten.
constexpr size_t kMaxPairs = size_t{1} << 20;

bool Holds(const std::vector<trace::Holding>& held, const trace::Holding& wanted) {
  return std::any_of(held.begin(), held.end(), [&wanted](const trace::Holding& holding) {
    return holding.lock == wanted.lock && holding.acquisition == wanted.acquisition;
  });
}

}  // namespace

// A child's gates contain its creator's, so creators come first: down the tree of creates from its roots.
// Threads in a ring of creators (a damaged trace) are never reached and inherit nothing.
Gates::Gates(const trace::Process& process, const LockIdentity& locks, const std::vector<Frame>& frames,
             const std::vector<int32_t>& frame_of)
    : process_(process), locks_(locks) {
  const auto& threads = process.threads;
  inherited_.resize(threads.size());
  has_heirs_.resize(threads.size());
  std::vector<std::vector<Index>> children(threads.size());
  std::vector<Index> open;
  for (size_t t = 0; t < threads.size(); ++t) {
    const auto thread = static_cast<Index>(t);
    if (At(threads, threads[t].creator) != nullptr) {
      children[static_cast<size_t>(threads[t].creator)].push_back(thread);
    } else {
      open.push_back(thread);
    }
  }
  while (!open.empty()) {
    const auto creator = static_cast<size_t>(open.back());
    open.pop_back();
    for (const Index child : children[creator]) {
      open.push_back(child);
      const trace::Thread& thread = threads[static_cast<size_t>(child)];
      std::vector<Gate>& gates = inherited_[static_cast<size_t>(child)];
      const Frame* frame = frame_of.empty() ? nullptr : At(frames, frame_of[static_cast<size_t>(child)]);
      if (frame != nullptr && At(threads, frame->maker) != nullptr) {
        gates = inherited_[static_cast<size_t>(frame->maker)];
        for (const trace::Holding& held : frame->held) {
          Inherit(frame->maker, held, &gates);
        }
      }
      if (thread.joiner != thread.creator) {
        continue;
      }
      gates.insert(gates.end(), inherited_[creator].begin(), inherited_[creator].end());
      for (const trace::Holding& held : thread.create_held) {
        if (Holds(thread.join_held, held)) {
          Inherit(thread.creator, held, &gates);
        }
      }
    }
  }
}

void Gates::Inherit(Index maker, const trace::Holding& held, std::vector<Gate>* gates) {
  if (locks_.IsOwned(held.lock)) {
    gates->push_back({locks_.Group(held.lock), held.lock, held.mode, maker, held.acquisition + 1});
    has_heirs_[static_cast<size_t>(maker)] = true;
  }
}

Gates::SetId Gates::Intern(Index thread, const std::vector<trace::Holding>& held) {
  const bool known = At(process_.threads, thread) != nullptr;
  std::vector<Gate> set;
  if (known) {
    set = inherited_[static_cast<size_t>(thread)];
  }
  const Index owner = known && has_heirs_[static_cast<size_t>(thread)] ? thread : kNoIndex;
  for (const trace::Holding& holding : held) {
    if (locks_.IsOwned(holding.lock)) {
      set.push_back({locks_.Group(holding.lock), holding.lock, holding.mode, owner, kOwn});
    }
  }
  std::sort(set.begin(), set.end());
  set.erase(std::unique(set.begin(), set.end()), set.end());

  uint64_t hash = set.size();
  for (const Gate& gate : set) {
    hash = absl::HashOf(hash, gate.lock, static_cast<int>(gate.mode), gate.owner, gate.acquisition);
  }
  std::vector<SetId>& candidates = ids_[hash];
  for (const SetId id : candidates) {
    if (sets_[static_cast<size_t>(id)] == set) {
      return id;
    }
  }
  const auto id = static_cast<SetId>(sets_.size());
  sets_.push_back(std::move(set));
  candidates.push_back(id);
  return id;
}

bool Gates::SameAcquisition(const Gate& a, const Gate& b) {
  return a.owner == b.owner && a.owner != kNoIndex &&
         (a.acquisition == b.acquisition || a.acquisition == kOwn || b.acquisition == kOwn);
}

Index Gates::Common(SetId a, SetId b) {
  if (a > b) {
    std::swap(a, b);
  }
  const uint64_t key = (static_cast<uint64_t>(a) << 32) | static_cast<uint32_t>(b);
  const auto found = common_.find(key);
  if (found != common_.end()) {
    return found->second;
  }
  const std::vector<Gate>& left = sets_[static_cast<size_t>(a)];
  const std::vector<Gate>& right = sets_[static_cast<size_t>(b)];
  Index common = kNoIndex;
  for (auto l = left.begin(), r = right.begin(); l != left.end() && common == kNoIndex; ++l) {
    while (r != right.end() && r->group < l->group) {
      ++r;
    }
    for (auto same = r; same != right.end() && same->group == l->group; ++same) {
      if (locks_.Conflict(l->lock, l->mode, same->lock, same->mode) && !SameAcquisition(*l, *same)) {
        common = l->lock;
        break;
      }
    }
  }
  if (common_.size() >= kMaxPairs) {
    common_.clear();
  }
  common_.emplace(key, common);
  return common;
}

}  // namespace gordian::analyze
