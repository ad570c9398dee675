// What a trace and a look from outside say together.
#include "cli/watch/merge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "tests/support/event_script.h"

namespace gordian::cli {
namespace {

using ::testing::ElementsAre;
using trace::WaitKind;

// A process as an inspector sees it: one thread for each wait, with the tids of the script's threads.
trace::Process Seen(const test::Played& played, std::vector<std::pair<int, trace::Wait>> waits) {
  trace::Process seen;
  seen.modules.push_back({"/lib/seen.so", "", 0x7000'0000, 0x7000'1000, 0});
  seen.stacks.push_back({{{0, 0x10, false}}});
  for (auto& [number, wait] : waits) {
    trace::Thread thread;
    const auto known = played.threads.find(number);
    thread.tid = known != played.threads.end()
                     ? played.process().threads[static_cast<size_t>(known->second)].tid
                     : 4000 + number;
    thread.state = trace::ThreadState::kRunning;
    thread.settled = true;
    wait.releasers = {0};
    thread.wait = std::move(wait);
    seen.threads.push_back(std::move(thread));
  }
  return seen;
}

trace::Wait In(WaitKind kind, uint64_t address = 0) {
  trace::Wait wait;
  wait.kind = kind;
  wait.address = address;
  wait.stack = 0;
  wait.note = "a call";
  return wait;
}

trace::Process Merged(test::Played* played, std::vector<std::pair<int, trace::Wait>> waits) {
  const trace::Process seen = Seen(*played, std::move(waits));
  AddSeen(
      seen, [](int32_t tid) { return tid; }, &played->process());
  return played->process();
}

TEST(Merge, TheTraceNamesWhatTheKernelOnlyHasAnAddressOf) {
  test::Played played = test::Play("live S=semaphore 1:create(2) 2:!S");
  played.lock("S").address = 0x5000;
  const trace::Index stack = played.thread(2).wait.stack;
  const trace::Process merged =
      Merged(&played, {{1, In(WaitKind::kNone)}, {2, In(WaitKind::kFutex, 0x5000)}});
  const trace::Thread& thread = merged.threads[static_cast<size_t>(played.threads.at(2))];
  EXPECT_TRUE(thread.settled);
  EXPECT_EQ(thread.wait.kind, WaitKind::kLock);
  EXPECT_EQ(thread.wait.lock, played.locks.at("S"));
  EXPECT_EQ(thread.wait.stack, stack);
  EXPECT_THAT(thread.wait.releasers, ElementsAre(0));
}

TEST(Merge, TheKernelIsRightWhereTheTraceMeansSomethingElse) {
  test::Played played = test::Play("live S=semaphore 1:create(2) 2:!S");
  played.lock("S").address = 0x5000;
  // Not the semaphore, and a call that is not recorded at all.
  const trace::Process merged =
      Merged(&played, {{1, In(WaitKind::kCall)}, {2, In(WaitKind::kFutex, 0x9000)}});
  const trace::Thread& reader = merged.threads[static_cast<size_t>(played.threads.at(1))];
  const trace::Thread& thread = merged.threads[static_cast<size_t>(played.threads.at(2))];
  EXPECT_EQ(thread.wait.kind, WaitKind::kFutex);
  EXPECT_EQ(thread.wait.lock, trace::kNoIndex);
  EXPECT_EQ(reader.wait.note, "a call");
  const trace::Frame& frame = merged.stacks.at(static_cast<size_t>(reader.wait.stack)).frames.at(0);
  EXPECT_EQ(merged.modules.at(static_cast<size_t>(frame.module)).path, "/lib/seen.so");
  EXPECT_EQ(frame.offset, 0x10U);
}

TEST(Merge, AWaitPastItsConditionQueuesForTheMutex) {
  test::Played played = test::Play("live 1:create(2) 2:+M 2:!wait(C,M)");
  played.lock("C").address = 0x5000;
  played.lock("M").address = 0x6000;
  const trace::Process merged = Merged(&played, {{1, In(WaitKind::kNone)}, {2, In(WaitKind::kLock, 0x6000)}});
  EXPECT_TRUE(merged.threads[static_cast<size_t>(played.threads.at(2))].wait.reacquiring);
}

TEST(Merge, ThreadsThatNoHookSawAndThreadsThatAreGone) {
  test::Played played = test::Play("live 1:create(2) 2:+A");
  const trace::Process merged = Merged(&played, {{1, In(WaitKind::kCall)}, {9, In(WaitKind::kCall)}});
  ASSERT_EQ(merged.threads.size(), 3U);
  EXPECT_TRUE(merged.threads[static_cast<size_t>(played.threads.at(2))].gone);
  EXPECT_EQ(merged.threads[2].tid, 4009);
  EXPECT_TRUE(merged.threads[2].live);
  EXPECT_FALSE(merged.threads[2].gone);
}

}  // namespace
}  // namespace gordian::cli
