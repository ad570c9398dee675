// Which slots of a process may be stuck for good, from the slots alone.
#include "cli/watch/stall.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gordian::cli {
namespace {

using ::testing::ElementsAre;
using trace::SlotSnapshot;
using trace::WaitKind;

constexpr trace::Ref kLockA = 100;
constexpr trace::Ref kLockB = 200;
constexpr trace::Ref kLockC = 300;
constexpr trace::Ref kCondition = 400;

// A thread with this tid, whose ThreadRecord is 1000 + tid.
SlotSnapshot Thread(int32_t tid, const std::vector<trace::Ref>& holds) {
  SlotSnapshot snapshot{};
  snapshot.slot.tid = tid;
  snapshot.slot.thread = 1000 + static_cast<trace::Ref>(tid);
  for (trace::Ref lock : holds) {
    trace::HeldEntry entry{};
    entry.lock = lock;
    snapshot.held.push_back(entry);
  }
  return snapshot;
}

SlotSnapshot Waiting(SlotSnapshot snapshot, WaitKind kind, trace::Ref object, trace::Ref object2 = 0) {
  snapshot.slot.wait_kind = static_cast<uint8_t>(kind);
  snapshot.slot.wait_object = object;
  snapshot.slot.wait_object2 = object2;
  return snapshot;
}

SlotSnapshot WantsLock(int32_t tid, trace::Ref lock, const std::vector<trace::Ref>& holds = {}) {
  return Waiting(Thread(tid, holds), WaitKind::kLock, lock);
}

SlotSnapshot Joins(int32_t tid, int32_t other, const std::vector<trace::Ref>& holds = {}) {
  return Waiting(Thread(tid, holds), WaitKind::kJoin, 1000 + static_cast<trace::Ref>(other));
}

// The tids of the stalled ones when nothing has moved and every thread exists but `gone`.
std::vector<int32_t> Stalled(const std::vector<SlotSnapshot>& slots, int32_t gone = 0, int32_t moved = 0,
                             const std::set<trace::Ref>& lost = {}) {
  std::vector<bool> still;
  for (const SlotSnapshot& slot : slots) {
    still.push_back(slot.slot.tid != gone && slot.slot.tid != moved);
  }
  std::vector<bool> stalled = FindStalled(
      slots, still, [&](int32_t tid) { return tid != gone; }, lost);
  std::vector<int32_t> tids;
  for (size_t i = 0; i < slots.size(); ++i) {
    if (stalled[i]) {
      tids.push_back(slots[i].slot.tid);
    }
  }
  return tids;
}

TEST(StallTest, TwoThreadsThatWaitForEachOther) {
  EXPECT_THAT(Stalled({WantsLock(1, kLockB, {kLockA}), WantsLock(2, kLockA, {kLockB})}), ElementsAre(1, 2));
}

TEST(StallTest, OneThatMovedInBetweenBreaksIt) {
  EXPECT_THAT(Stalled({WantsLock(1, kLockB, {kLockA}), WantsLock(2, kLockA, {kLockB})}, 0, 2), ElementsAre());
}

TEST(StallTest, EveryoneBehindACycleIsStalledToo) {
  EXPECT_THAT(Stalled({WantsLock(1, kLockB, {kLockA}), WantsLock(2, kLockA, {kLockB}),
                       WantsLock(3, kLockA, {kLockC}), WantsLock(4, kLockC), Joins(5, 4)}),
              ElementsAre(1, 2, 3, 4, 5));
}

TEST(StallTest, AChainToAThreadThatRunsIsNot) {
  EXPECT_THAT(
      Stalled({Thread(1, {kLockA}), WantsLock(2, kLockA, {kLockB}), WantsLock(3, kLockB), Joins(4, 3)}),
      ElementsAre());
}

TEST(StallTest, AThreadThatWaitsForItself) {
  EXPECT_THAT(Stalled({WantsLock(1, kLockA, {kLockA})}), ElementsAre(1));
  EXPECT_THAT(Stalled({Joins(1, 1)}), ElementsAre(1));
}

TEST(StallTest, ALockThatNobodyAliveHolds) {
  EXPECT_THAT(Stalled({WantsLock(1, kLockA)}), ElementsAre(1));
  EXPECT_THAT(Stalled({WantsLock(1, kLockA), Thread(2, {kLockA})}, /*gone=*/2), ElementsAre(1));
}

TEST(StallTest, ASemaphoreIsOnlyWhereItsHolderWasKilled) {
  SlotSnapshot idle = WantsLock(1, kLockA);
  idle.slot.wait_flags = trace::kAnybody;
  EXPECT_THAT(Stalled({idle}), ElementsAre());
  EXPECT_THAT(Stalled({idle}, 0, 0, {kLockB}), ElementsAre());
  EXPECT_THAT(Stalled({idle}, 0, 0, {kLockA}), ElementsAre(1));
}

TEST(StallTest, ATimedWaitEndsByItself) {
  SlotSnapshot timed = WantsLock(1, kLockB, {kLockA});
  timed.slot.wait_flags = trace::kTimed;
  EXPECT_THAT(Stalled({timed, WantsLock(2, kLockA, {kLockB})}), ElementsAre());
}

TEST(StallTest, ASemaphoreThatIsNoLockMayBePostedByAnybody) {
  SlotSnapshot idle = WantsLock(1, kLockA);
  idle.slot.wait_flags = trace::kAnybody;
  EXPECT_THAT(Stalled({idle, WantsLock(2, kLockB, {kLockC}), Thread(3, {kLockB})}), ElementsAre());
}

TEST(StallTest, JoinAndLockInOneCycle) {
  EXPECT_THAT(Stalled({Joins(1, 2, {kLockA}), WantsLock(2, kLockA)}), ElementsAre(1, 2));
}

TEST(StallTest, AConditionWaitCountsOnlyWhileItsMutexIsHeld) {
  SlotSnapshot waiter = Waiting(Thread(1, {kLockB}), WaitKind::kCondition, kCondition, kLockA);
  EXPECT_THAT(Stalled({waiter}), ElementsAre());
  EXPECT_THAT(Stalled({waiter, Thread(2, {kLockA})}), ElementsAre());
  EXPECT_THAT(Stalled({waiter, WantsLock(2, kLockB, {kLockA})}), ElementsAre(1, 2));
}

TEST(StallTest, OneStuckReaderIsEnoughToStopAWriter) {
  EXPECT_THAT(Stalled({WantsLock(1, kLockA), Thread(2, {kLockA}), WantsLock(3, kLockB, {kLockA, kLockB})}),
              ElementsAre(1, 3));
}

}  // namespace
}  // namespace gordian::cli
