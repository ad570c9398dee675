#include "libsync/analyze/order_view.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "libsync/analyze/lookup.h"

namespace gordian::analyze {
namespace {

using trace::Dependency;
using trace::Holding;
using trace::Index;
using trace::kNoIndex;

// A wait for an end that nothing but luck puts after what the thread or process did. A join ends by the
// cancellation of who waits, which somebody has in mind here.
bool IsOpenWait(const trace::Process& process, const Dependency& dependency) {
  const trace::Thread* joiner = At(process.threads, dependency.thread);
  if (joiner != nullptr && (dependency.flags & trace::kAwaitsThread) != 0 &&
      (joiner->flags & trace::kCancelled) != 0) {
    return false;
  }
  return (dependency.flags & (trace::kAwaitsThread | trace::kAwaitsChild)) != 0 &&
         (dependency.flags & trace::kSoftOrdered) == 0 &&
         At(process.threads, dependency.awaited_thread) != nullptr &&
         At(process.threads, dependency.thread) != nullptr;
}

bool AwaitsProcess(const Dependency& dependency) { return (dependency.flags & trace::kAwaitsChild) != 0; }

Index MainThread(const trace::Process& process) {
  for (size_t t = 0; t < process.threads.size(); ++t) {
    if ((process.threads[t].flags & trace::kMainThread) != 0) {
      return static_cast<Index>(t);
    }
  }
  return process.threads.empty() ? kNoIndex : 0;
}

Index Shifted(Index index, Index by) { return index == kNoIndex ? kNoIndex : index + by; }

auto EndKey(const OrderView::End& end) { return std::tuple(end.thread, end.of_process); }

}  // namespace

OrderView::OrderView(const trace::Process& process, Index index) : process_(&process) {
  parts_.push_back({index, 0, 0, 0, false});
  FindEnds();
  if (!ends_.empty()) {
    own_.threads = process.threads;
    own_.locks = process.locks;
    own_.dependencies = process.dependencies;
    own_.events = process.events;
    process_ = &own_;
    AddEnds();
  }
  locks_ = std::make_unique<LockIdentity>(process_->locks);
}

OrderView::OrderView(const trace::Run& run, const std::vector<Index>& processes, const Lineage& lineage)
    : process_(&own_) {
  // Whoever made one of them, or was an image of it before, orders it.
  std::set<Index> all(processes.begin(), processes.end());
  for (std::vector<Index> open = processes; !open.empty();) {
    const Index process = open.back();
    open.pop_back();
    std::vector<Index> ordering = lineage.ImagesOf(process);
    ordering.push_back(lineage.MadeBy(process).process);
    for (const Index other : ordering) {
      if (other != kNoIndex && all.insert(other).second) {
        open.push_back(other);
      }
    }
  }
  for (const Index process : all) {
    Append(run, process, std::find(processes.begin(), processes.end(), process) == processes.end());
    lives_.push_back(lineage.LifeOf(process));
  }
  std::stable_sort(own_.events.begin(), own_.events.end(),
                   [](const trace::Event& a, const trace::Event& b) { return a.time_ns < b.time_ns; });
  Link(run, lineage);
  FindEnds();
  AddEnds();
  std::vector<Index> process_of;
  for (size_t p = 0; p < parts_.size(); ++p) {
    const Index end = p + 1 < parts_.size() ? parts_[p + 1].locks : static_cast<Index>(own_.locks.size());
    process_of.resize(static_cast<size_t>(end), lives_[p].process);
  }
  locks_ = std::make_unique<LockIdentity>(own_.locks, std::move(process_of));
}

void OrderView::Append(const trace::Run& run, Index process, bool only_order) {
  const trace::Process& source = run.processes[static_cast<size_t>(process)];
  const Part part{process, static_cast<Index>(own_.threads.size()), static_cast<Index>(own_.locks.size()),
                  static_cast<Index>(own_.dependencies.size()), only_order};
  parts_.push_back(part);
  own_.locks.insert(own_.locks.end(), source.locks.begin(), source.locks.end());
  for (const trace::Thread& thread : source.threads) {
    trace::Thread copy;
    copy.tid = thread.tid;
    copy.flags = thread.flags;
    copy.segment = thread.segment;
    copy.creator = Shifted(thread.creator, part.threads);
    copy.creator_segment = thread.creator_segment;
    copy.create_held = Moved(thread.create_held, part);
    copy.joiner = Shifted(thread.joiner, part.threads);
    copy.joiner_segment = thread.joiner_segment;
    copy.join_held = Moved(thread.join_held, part);
    own_.threads.push_back(std::move(copy));
  }
  AppendEvents(source, part);
  for (size_t d = 0; d < source.dependencies.size() && !only_order; ++d) {
    Dependency copy = source.dependencies[d];
    copy.thread = Shifted(copy.thread, part.threads);
    copy.lock = Shifted(copy.lock, part.locks);
    copy.awaited_thread = Shifted(copy.awaited_thread, part.threads);
    copy.held = Moved(copy.held, part);
    own_.dependencies.push_back(std::move(copy));
  }
}

// Those that order threads, of all processes in the order of time.
void OrderView::AppendEvents(const trace::Process& source, const Part& part) {
  for (const trace::Event& event : source.events) {
    if (event.kind != trace::EventKind::kBarrierPassed && event.kind != trace::EventKind::kGave &&
        event.kind != trace::EventKind::kTook) {
      continue;
    }
    trace::Event copy;
    copy.kind = event.kind;
    copy.thread = Shifted(event.thread, part.threads);
    copy.lock = Shifted(event.lock, part.locks);
    copy.value = event.value;
    copy.time_ns = event.time_ns;
    copy.error = event.error;
    own_.events.push_back(std::move(copy));
  }
}

std::vector<Holding> OrderView::Moved(const std::vector<Holding>& held, const Part& part) const {
  std::vector<Holding> moved = held;
  for (Holding& holding : moved) {
    holding.lock = Shifted(holding.lock, part.locks);
  }
  return moved;
}

const OrderView::Part* OrderView::PartOf(Index process) const {
  const auto found = std::find_if(parts_.begin(), parts_.end(),
                                  [process](const Part& part) { return part.process == process; });
  return found != parts_.end() ? &*found : nullptr;
}

void OrderView::Link(const trace::Run& run, const Lineage& lineage) {
  frame_of_.assign(own_.threads.size(), -1);
  for (const Part& part : parts_) {
    const std::vector<Index>& images = lineage.ImagesOf(part.process);
    const auto image = std::find(images.begin(), images.end(), part.process);
    if (image == images.begin()) {
      LinkToMaker(run, part, lineage);
    }
    if (image + 1 != images.end()) {
      LinkToNextImage(run, part, *PartOf(*(image + 1)));
    }
    // What the process waits for: the end of its child, all images of it.
    const trace::Process& source = run.processes[static_cast<size_t>(part.process)];
    for (size_t d = 0; d < source.dependencies.size() && !part.only_order; ++d) {
      const Dependency& dependency = source.dependencies[d];
      if (!AwaitsProcess(dependency)) {
        continue;
      }
      const std::vector<Index> awaited = lineage.ImagesOfChild(part.process, dependency.awaited_child);
      const Part* first = awaited.empty() ? nullptr : PartOf(awaited.front());
      own_.dependencies[static_cast<size_t>(part.dependencies) + d].awaited_thread =
          first == nullptr
              ? kNoIndex
              : Shifted(MainThread(run.processes[static_cast<size_t>(first->process)]), first->threads);
    }
  }
}

// Fork is to all images of the process what create is to a thread, and reap what join is.
void OrderView::LinkToMaker(const trace::Run& run, const Part& part, const Lineage& lineage) {
  const trace::Child* child = lineage.ChildOf(part.process);
  const Part* maker = PartOf(lineage.MadeBy(part.process).process);
  const trace::Process& first = run.processes[static_cast<size_t>(part.process)];
  const Index main = Shifted(MainThread(first), part.threads);
  if (child == nullptr || maker == nullptr || main == kNoIndex) {
    return;
  }
  trace::Thread& begins = own_.threads[static_cast<size_t>(main)];
  begins.creator = Shifted(child->thread, maker->threads);
  begins.creator_segment = child->segment;
  const auto frame = static_cast<int32_t>(frames_.size());
  frames_.emplace_back();
  held_at_creation_.push_back(Moved(child->held, *maker));
  // Who reaps it himself held through what he holds then as before.
  if (child->reaper != kNoIndex && child->reaper == child->thread) {
    frames_.back().maker = begins.creator;
    for (const Holding& held : child->held) {
      if (std::any_of(child->reap_held.begin(), child->reap_held.end(), [&held](const Holding& still) {
            return still.lock == held.lock && still.acquisition == held.acquisition;
          })) {
        frames_.back().held.push_back(Moved({held}, *maker).front());
      }
    }
  }
  for (const Index image : lineage.ImagesOf(part.process)) {
    const Part& each = *PartOf(image);
    const trace::Process& source = run.processes[static_cast<size_t>(image)];
    mains_[main].push_back(Shifted(MainThread(source), each.threads));
    const bool last = image == lineage.ImagesOf(part.process).back();
    for (size_t t = 0; t < source.threads.size(); ++t) {
      const size_t thread = static_cast<size_t>(each.threads) + t;
      frame_of_[thread] = frame;
      if (last && own_.threads[thread].joiner == kNoIndex && child->reaper != kNoIndex) {
        own_.threads[thread].joiner = Shifted(child->reaper, maker->threads);
        own_.threads[thread].joiner_segment = child->reap_segment;
      }
    }
  }
}

// exec: all threads end before the next image begins.
void OrderView::LinkToNextImage(const trace::Run& run, const Part& part, const Part& next) {
  const trace::Process& before = run.processes[static_cast<size_t>(part.process)];
  const Index main = Shifted(MainThread(run.processes[static_cast<size_t>(next.process)]), next.threads);
  const Index last =
      At(before.threads, before.end_thread) != nullptr ? before.end_thread : MainThread(before);
  if (main == kNoIndex || last == kNoIndex) {
    return;
  }
  own_.threads[static_cast<size_t>(main)].creator = Shifted(last, part.threads);
  own_.threads[static_cast<size_t>(main)].creator_segment = before.threads[static_cast<size_t>(last)].segment;
  for (size_t t = 0; t < before.threads.size(); ++t) {
    trace::Thread& thread = own_.threads[static_cast<size_t>(part.threads) + t];
    if (thread.joiner == kNoIndex) {
      thread.joiner = main;
      thread.joiner_segment = 0;
    }
  }
}

// The main threads of all images hold the end of their process.
void OrderView::FindEnds() {
  const trace::Process& process = *process_;
  std::unique_ptr<LockIdentity> locks;                    // made when the first wait for an end is met
  absl::flat_hash_map<Index, std::vector<End>> waits_of;  // by who waits
  std::set<std::tuple<Index, bool>> found;
  std::vector<End> open;
  const auto keep = [&](const End& end) {
    if (found.insert(EndKey(end)).second) {
      open.push_back(end);
    }
  };
  for (const Dependency& dependency : process.dependencies) {
    if (!IsOpenWait(process, dependency)) {
      continue;
    }
    const End awaited{dependency.awaited_thread, AwaitsProcess(dependency)};
    waits_of[dependency.thread].push_back(awaited);
    locks = locks != nullptr ? std::move(locks) : std::make_unique<LockIdentity>(process.locks);
    if (std::any_of(dependency.held.begin(), dependency.held.end(),
                    [&](const Holding& held) { return locks->IsReportable(held.lock); })) {
      keep(awaited);
    }
  }
  while (!open.empty()) {
    const End end = open.back();
    open.pop_back();
    ends_.push_back(end);
    for (const Index holder : HoldersOf(end)) {
      for (const End& next : waits_of[holder]) {
        keep(next);
      }
    }
  }
  std::sort(ends_.begin(), ends_.end(), [](const End& a, const End& b) { return EndKey(a) < EndKey(b); });
}

std::vector<Index> OrderView::HoldersOf(const End& end) const {
  const auto mains = end.of_process ? mains_.find(end.thread) : mains_.end();
  return mains != mains_.end() ? mains->second : std::vector<Index>{end.thread};
}

void OrderView::AddEnds() {
  const size_t locks = own_.locks.size();
  own_.locks.resize(locks + ends_.size());
  std::map<std::tuple<Index, bool>, Index> lock_of_end;
  absl::flat_hash_map<Index, std::vector<Index>> ends_of;  // locks, by the thread that holds them
  for (size_t e = 0; e < ends_.size(); ++e) {
    const auto lock = static_cast<Index>(locks + e);
    lock_of_end[EndKey(ends_[e])] = lock;
    for (const Index holder : HoldersOf(ends_[e])) {
      ends_of[holder].push_back(lock);
    }
  }
  for (Dependency& dependency : own_.dependencies) {
    if (IsOpenWait(own_, dependency)) {
      const auto awaited = lock_of_end.find({dependency.awaited_thread, AwaitsProcess(dependency)});
      dependency.lock = awaited != lock_of_end.end() ? awaited->second : kNoIndex;
    }
    const auto own_ends = ends_of.find(dependency.thread);
    for (const Index end : own_ends != ends_of.end() ? own_ends->second : std::vector<Index>{}) {
      Holding held;
      held.lock = end;
      dependency.held.push_back(held);
    }
  }
}

const OrderView::End* OrderView::EndAt(Index lock) const {
  const auto first = static_cast<Index>(process_->locks.size() - ends_.size());
  return lock != kNoIndex ? At(ends_, lock - first) : nullptr;
}

Index OrderView::EndOfThread(Index thread) const {
  for (size_t e = 0; e < ends_.size(); ++e) {
    if (ends_[e].thread == thread && !ends_[e].of_process) {
      return static_cast<Index>(process_->locks.size() - ends_.size() + e);
    }
  }
  return kNoIndex;
}

const std::vector<Holding>& OrderView::HeldAtCreation(const End& end) const {
  static const auto* const nothing = new std::vector<Holding>;
  if (!end.of_process) {
    return process_->threads[static_cast<size_t>(end.thread)].create_held;
  }
  const std::vector<Holding>* held = At(held_at_creation_, frame_of_[static_cast<size_t>(end.thread)]);
  return held != nullptr ? *held : *nothing;
}

size_t OrderView::PartAt(Index index, Index Part::*begin) const {
  const auto after =
      std::upper_bound(parts_.begin(), parts_.end(), index,
                       [begin](Index wanted, const Part& part) { return wanted < part.*begin; });
  return static_cast<size_t>(after - parts_.begin()) - 1;
}

OrderView::Origin OrderView::OriginAt(Index index, Index Part::*begin) const {
  const Part& part = parts_[PartAt(index, begin)];
  return {part.process, index - part.*begin};
}

OrderView::Origin OrderView::OfLock(Index lock) const {
  const auto says_more = [this](Index record) {
    const trace::Lock& found = process_->locks[static_cast<size_t>(record)];
    return std::tuple(!found.name.empty(), found.place.module != kNoIndex, found.create_stack != kNoIndex);
  };
  Index best = locks_->Of(lock);
  for (size_t l = 0; parts_.size() > 1 && l < process_->locks.size(); ++l) {
    const auto record = static_cast<Index>(l);
    if (process_->locks[l].shared.has_value() && locks_->Of(record) == locks_->Of(lock) &&
        says_more(record) > says_more(best)) {
      best = record;
    }
  }
  return OriginAt(best, &Part::locks);
}

std::vector<Index> OrderView::Processes() const {
  std::vector<Index> result;
  for (const Part& part : parts_) {
    if (!part.only_order) {
      result.push_back(part.process);
    }
  }
  return result;
}

Index OrderView::ViewedLock(const Origin& origin) const {
  const Part* part = PartOf(origin.process);
  return part != nullptr && origin.index != kNoIndex ? locks_->Of(origin.index + part->locks) : kNoIndex;
}

Index OrderView::ViewedThread(const Origin& origin) const {
  const Part* part = PartOf(origin.process);
  return part != nullptr ? Shifted(origin.index, part->threads) : kNoIndex;
}

bool OrderView::LivesOverlap(Index a, Index b) const {
  if (lives_.empty()) {
    return true;
  }
  const Lineage::Life& left = lives_[PartAt(a, &Part::threads)];
  const Lineage::Life& right = lives_[PartAt(b, &Part::threads)];
  const bool known =
      left.process == right.process || (left.certain && right.certain && left.ancestor == right.ancestor);
  return known || (left.start_ns < right.end_ns && right.start_ns < left.end_ns);
}

}  // namespace gordian::analyze
