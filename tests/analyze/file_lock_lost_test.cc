// file-lock-lost: when a lock that vanished was missed, and who took it in between.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/analyze/judge.h"

namespace gordian::test {
namespace {

using analyze::Finding;
using analyze::Level;
using testing::IsEmpty;
using testing::SizeIs;
using trace::EventKind;
using trace::Mode;

// Two processes that lock a file each: the first loses its lock at 100.
class FileLockLostTest : public ::testing::Test {
 protected:
  FileLockLostTest() {
    for (const int32_t pid : {101, 102}) {
      trace::Process process;
      process.pid = pid;
      process.ppid = 100;
      process.ended = true;
      process.start_ns = 1;
      process.end_ns = 1000;
      process.executable = "/program";
      process.modules.push_back({"/program", "", 0x10000, 0x20000, 0});
      process.stacks = {{{{0, 0x10}}}, {{{0, 0x20}}}, {{{0, 0x30}}}};
      trace::Thread thread;
      thread.tid = pid;
      thread.start_ns = 1;
      process.threads.push_back(thread);
      trace::Lock lock;
      lock.kind = trace::LockKind::kPosixFileLock;
      lock.name = "/state";
      lock.shared = trace::SharedIdentity{trace::SharedSpace::kFile, 8, 15, 0, 0};
      process.locks.push_back(lock);
      run_.processes.push_back(std::move(process));
    }
    run_.over = true;
    run_.root_pid = 100;
    Add(0, EventKind::kFileLockLost, 100, 0);
  }

  trace::Event& Add(size_t process, EventKind kind, uint64_t time_ns, int64_t value) {
    trace::Event event;
    event.kind = kind;
    event.thread = 0;
    event.lock = 0;
    event.stack = 1;
    event.other_stack = 0;
    event.time_ns = time_ns;
    event.value = value;
    event.error = static_cast<uint32_t>(Mode::kExclusive);
    run_.processes[process].events.push_back(event);
    return run_.processes[process].events.back();
  }
  trace::Event& lost() { return run_.processes[0].events[0]; }

  std::vector<Level> Levels() const {
    std::vector<Level> levels;
    for (const Finding& finding : analyze::Analyze(run_)) {
      EXPECT_STREQ(finding.rule->id, "file-lock-lost");
      levels.push_back(finding.level);
    }
    return levels;
  }

  trace::Run run_;
};

TEST_F(FileLockLostTest, MissedByNobodyElse) { EXPECT_EQ(Levels(), std::vector{Level::kWarning}); }

TEST_F(FileLockLostTest, GivenBackBeforeAnythingElseWasDone) {
  lost().value = -200;
  EXPECT_THAT(Levels(), IsEmpty());
}

TEST_F(FileLockLostTest, AnotherTookIt) {
  Add(1, EventKind::kFileLockTaken, 150, 150);
  const std::vector<Finding> findings = analyze::Analyze(run_);
  ASSERT_THAT(findings, SizeIs(1));
  EXPECT_EQ(findings[0].level, Level::kError);
  EXPECT_THAT(findings[0].threads, SizeIs(2));
  EXPECT_THAT(findings[0].interleaving, SizeIs(3));
}

TEST_F(FileLockLostTest, AnotherTookItAlthoughItWasGivenBackNext) {
  lost().value = -200;
  Add(1, EventKind::kFileLockTaken, 150, 150);
  EXPECT_EQ(Levels(), std::vector{Level::kError});
}

TEST_F(FileLockLostTest, TheLastOfManyAcquisitionsCountsToo) {
  lost().value = 200;
  Add(1, EventKind::kFileLockTaken, 50, 150);
  EXPECT_EQ(Levels(), std::vector{Level::kError});
}

TEST_F(FileLockLostTest, BeforeAndAfterAreOfNoAccount) {
  lost().value = 200;
  Add(1, EventKind::kFileLockTaken, 50, 50);
  Add(1, EventKind::kFileLockTaken, 250, 250);
  EXPECT_EQ(Levels(), std::vector{Level::kWarning});
}

TEST_F(FileLockLostTest, OtherBytesAndReadersAreInNobodysWay) {
  Add(1, EventKind::kFileLockTaken, 150, 150);
  run_.processes[0].locks[0].shared->length = 10;
  run_.processes[1].locks[0].shared->offset = 10;
  EXPECT_EQ(Levels(), std::vector{Level::kWarning});
  run_.processes[1].locks[0].shared->offset = 9;
  EXPECT_EQ(Levels(), std::vector{Level::kError});
  lost().error = run_.processes[1].events[0].error = static_cast<uint32_t>(Mode::kShared);
  EXPECT_EQ(Levels(), std::vector{Level::kWarning});
}

TEST_F(FileLockLostTest, TheProcessItselfIsNoOther) {
  Add(1, EventKind::kFileLockTaken, 150, 150);
  run_.processes[1].pid = run_.processes[0].pid;
  EXPECT_EQ(Levels(), std::vector{Level::kWarning});
}

}  // namespace
}  // namespace gordian::test
