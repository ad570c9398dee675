#include "libsync/analyze/happens_before.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "libsync/analyze/lookup.h"

namespace gordian::analyze {
namespace {

// Numbers kept before all is forgotten: 16 bytes each in the map, so some 64 MiB.
constexpr size_t kMaxRemembered = size_t{1} << 21;

// A folded dependency was seen in its first segment; the others belong to further instances.
size_t OwnSegments(const trace::Dependency& dependency) {
  return (dependency.flags & trace::kFolded) != 0 ? std::min<size_t>(1, dependency.segments.size())
                                                  : dependency.segments.size();
}

}  // namespace

HappensBefore::HappensBefore(const trace::Process& process, const LockIdentity* locks, Order order)
    : process_(process), locks_(locks) {
  const auto count = process.threads.size();
  contributions_.resize(count);
  AddBarriers();
  AddHandOvers(order);
  children_.resize(count);
  leads_elsewhere_.resize(count);
  for (size_t t = 0; t < count; ++t) {
    if (At(process.threads, process.threads[t].creator) != nullptr) {
      children_[static_cast<size_t>(process.threads[t].creator)].push_back(static_cast<trace::Index>(t));
    }
  }
  for (size_t t = 0; t < count; ++t) {
    const trace::Thread* thread = &process.threads[t];
    const bool joined_elsewhere =
        At(process.threads, thread->joiner) != nullptr && thread->joiner != thread->creator;
    if (!joined_elsewhere && contributions_[t].empty()) {
      continue;
    }
    // Stops at a marked ancestor: everything above it is marked already. Ends also where creators form a
    // ring.
    auto up = static_cast<trace::Index>(t);
    while (At(process.threads, up) != nullptr && !leads_elsewhere_[static_cast<size_t>(up)]) {
      leads_elsewhere_[static_cast<size_t>(up)] = true;
      up = process.threads[static_cast<size_t>(up)].creator;
    }
  }
}

bool HappensBefore::HasSoftOrder(const trace::Process& process) {
  return std::any_of(process.events.begin(), process.events.end(), [&process](const trace::Event& event) {
    const trace::Lock* object = At(process.locks, event.lock);
    return event.kind == trace::EventKind::kTook && object != nullptr && !object->interpreter &&
           object->kind != trace::LockKind::kOnce;
  });
}

void HappensBefore::AddJunction(Junction junction) {
  if (junction.in.empty() || junction.out.empty()) {
    return;
  }
  for (const auto& [thread, segment] : junction.in) {
    contributions_[static_cast<size_t>(thread)].push_back({segment, junctions_.size()});
  }
  junctions_.push_back(std::move(junction));
}

void HappensBefore::AddBarriers() {
  std::map<std::pair<trace::Index, int64_t>, Junction> rounds;
  for (const trace::Event& event : process_.events) {
    if (event.kind == trace::EventKind::kBarrierPassed && event.error > 0 &&
        At(process_.threads, event.thread) != nullptr) {
      Junction& round = rounds[{Same(event.lock), event.value}];
      round.in.emplace_back(event.thread, event.error - 1);
      round.out.emplace_back(event.thread, event.error);
    }
  }
  for (auto& [round, junction] : rounds) {
    AddJunction(std::move(junction));
  }
}

// What a semaphore lets through beyond the value that it began with follows its posts, first in first out. A
// wait on a condition that came back follows all signals since it began. All events come in the order of
// time.
void HappensBefore::AddHandOvers(Order order) {
  struct Object {
    std::vector<const trace::Event*> gave;
    int64_t took = 0;
    std::optional<int64_t> tokens;  // of a semaphore, when it was first seen
  };
  absl::flat_hash_map<trace::Index, Object> objects;
  std::map<std::pair<trace::Index, trace::Index>, uint32_t> lost_from;  // by thread and object
  for (const trace::Event& event : process_.events) {
    const trace::Lock* lock = At(process_.locks, event.lock);
    const bool gives = event.kind == trace::EventKind::kGave;
    if ((!gives && event.kind != trace::EventKind::kTook) || lock == nullptr || lock->interpreter ||
        At(process_.threads, event.thread) == nullptr) {
      continue;
    }
    const bool once = lock->kind == trace::LockKind::kOnce;
    if (!once && order == Order::kEnforced) {
      continue;
    }
    if ((lock->flags & trace::kOrderLost) != 0) {
      lost_from[{event.thread, event.lock}] = event.error + (gives ? 1 : 0);
    }
    Object& object = objects[Same(event.lock)];
    if (gives) {
      if (!object.tokens.has_value() && IsSemaphore(*lock)) {
        object.tokens = event.value + object.took;
      }
      object.gave.push_back(&event);
      continue;
    }
    ++object.took;
    size_t first = 0;
    size_t last = object.gave.size();
    if (IsSemaphore(*lock)) {
      const int64_t needed = object.took - object.tokens.value_or(object.took);
      last = static_cast<size_t>(std::clamp<int64_t>(needed, 0, static_cast<int64_t>(last)));
    } else if (!once && !lock->shared.has_value()) {  // each process counts for itself
      while (first < last && object.gave[first]->value <= event.value) {
        ++first;
      }
    }
    Junction junction;
    for (size_t g = first; g < last; ++g) {
      if (object.gave[g]->thread != event.thread) {
        junction.in.emplace_back(object.gave[g]->thread, object.gave[g]->error);
      }
    }
    junction.out.emplace_back(event.thread, event.error);
    AddJunction(std::move(junction));
  }
  for (const auto& [who, segment] : lost_from) {
    const auto [until, is_new] = known_until_.try_emplace(who.first, segment);
    until->second = std::min(until->second, segment);
  }
}

bool HappensBefore::IsKnown(trace::Index thread, uint32_t segment) const {
  const auto until = known_until_.find(thread);
  return until == known_until_.end() || segment < until->second;
}

HappensBefore::Reach HappensBefore::Search(trace::Index thread, uint32_t segment) const {
  Reach reach;
  absl::flat_hash_set<size_t> passed;
  std::vector<std::pair<trace::Index, uint32_t>> open = {{thread, segment}};
  while (!open.empty()) {
    const auto [at, from] = open.back();
    open.pop_back();
    const trace::Thread* here = At(process_.threads, at);
    if (here == nullptr) {
      continue;
    }
    const auto [known, is_new] = reach.try_emplace(at, from);
    if (!is_new && known->second <= from) {
      continue;
    }
    known->second = from;
    open.emplace_back(here->joiner, here->joiner_segment);
    for (const Contribution& contribution : contributions_[static_cast<size_t>(at)]) {
      if (contribution.segment >= from && passed.insert(contribution.junction).second) {
        const Junction& junction = junctions_[contribution.junction];
        open.insert(open.end(), junction.out.begin(), junction.out.end());
      }
    }
    for (const trace::Index child : children_[static_cast<size_t>(at)]) {
      const auto c = static_cast<size_t>(child);
      if (leads_elsewhere_[c] && process_.threads[c].creator_segment >= from) {
        open.emplace_back(child, 0);
      }
    }
  }
  return reach;
}

const HappensBefore::Reach& HappensBefore::ReachOf(trace::Index thread, uint32_t segment) {
  const uint64_t key = (static_cast<uint64_t>(static_cast<uint32_t>(thread)) << 32) | segment;
  const auto found = memo_.find(key);
  if (found != memo_.end()) {
    return found->second;
  }
  Reach reach = Search(thread, segment);
  if (remembered_ + reach.size() > kMaxRemembered) {
    memo_.clear();
    remembered_ = 0;
  }
  remembered_ += reach.size();
  return memo_.emplace(key, std::move(reach)).first->second;
}

bool HappensBefore::Ordered(trace::Index a, uint32_t i, trace::Index b, uint32_t j) {
  const Reach& reach = ReachOf(a, i);
  // Backward from b: a thread's beginning follows its creator's segments up to creator_segment.
  for (size_t steps = 0; steps <= process_.threads.size(); ++steps) {
    const auto found = reach.find(b);
    if (found != reach.end() && found->second <= j) {
      return true;
    }
    const trace::Thread* thread = At(process_.threads, b);
    if (thread == nullptr || thread->creator == trace::kNoIndex) {
      return false;
    }
    j = thread->creator_segment;
    b = thread->creator;
  }
  return false;
}

bool HappensBefore::MayOverlap(const trace::Dependency& a, const trace::Dependency& b) {
  for (size_t i = 0; i < OwnSegments(a); ++i) {
    for (size_t j = 0; j < OwnSegments(b); ++j) {
      if (MayOverlap(a.thread, a.segments[i], b.thread, b.segments[j])) {
        return true;
      }
    }
  }
  return false;
}

// Of what was recorded in full it is known whether a hand-over lay between; if none of it can overlap even
// so, the rest is no better. With nothing recorded in full there is no such evidence.
bool HappensBefore::MayOverlapAsKnown(const trace::Dependency& a, const trace::Dependency& b,
                                      HappensBefore* enforced) {
  bool ordered = false;
  for (size_t i = 0; i < OwnSegments(a); ++i) {
    for (size_t j = 0; j < OwnSegments(b); ++j) {
      if (!enforced->MayOverlap(a.thread, a.segments[i], b.thread, b.segments[j]) ||
          !IsKnown(a.thread, a.segments[i]) || !IsKnown(b.thread, b.segments[j])) {
        continue;
      }
      if (MayOverlap(a.thread, a.segments[i], b.thread, b.segments[j])) {
        return true;
      }
      ordered = true;
    }
  }
  return !ordered;
}

}  // namespace gordian::analyze
