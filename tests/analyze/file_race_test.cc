// file-race: stretches from a read to a rewrite of one file, who overlapped whom and what kept them apart.
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
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using trace::FileInterval;
using trace::FileUpdate;
using trace::FileWay;
using trace::Index;
using trace::LockKind;
using trace::Mode;

// Two processes of one parent, each with a thread, a mutex shared with others, and two places.
class FileRaceTest : public ::testing::Test {
 protected:
  FileRaceTest() {
    run_.over = true;
    run_.root_pid = 100;
    for (const int32_t pid : {101, 102}) {
      trace::Process process;
      process.pid = pid;
      process.ppid = 100;
      process.ended = true;
      process.start_ns = 1;
      process.end_ns = 10'000;
      process.executable = "/program";
      process.modules.push_back({"/program", "", 0x10000, 0x20000, 0});
      process.stacks = {{{{0, 0x10}}}, {{{0, 0x20}}}, {{{0, 0x30}}}};
      for (int32_t tid : {pid, pid + 1000}) {
        trace::Thread thread;
        thread.tid = tid;
        thread.start_ns = 1;
        process.threads.push_back(thread);
      }
      trace::Lock lock;
      lock.kind = LockKind::kMutex;
      process.locks.push_back(lock);
      run_.processes.push_back(std::move(process));
    }
  }

  FileUpdate& Add(size_t process, Index thread, uint64_t read, uint64_t write,
                  const std::string& path = "/f") {
    FileUpdate update;
    update.thread = thread;
    update.path = path;
    update.read_stack = 0;
    update.write_stack = 1;
    update.device = 8;
    update.inode = 15;
    update.intervals = {FileInterval{read, write}};
    run_.processes[process].file_updates.push_back(std::move(update));
    return run_.processes[process].file_updates.back();
  }

  void HoldFirstLock(size_t process, Mode mode = Mode::kExclusive) {
    for (FileUpdate& update : run_.processes[process].file_updates) {
      update.held.push_back({.lock = 0, .mode = mode});
    }
  }

  void ShareLocks(LockKind kind, trace::SharedSpace space) {
    for (trace::Process& process : run_.processes) {
      process.locks[0].kind = kind;
      process.locks[0].shared = trace::SharedIdentity{space, 8, 99, 0, 0};
    }
  }

  std::vector<std::string> Rules() const { return RulesOf(run_); }

  trace::Run run_;
};

TEST_F(FileRaceTest, NamesBothSidesAndWhoCameLast) {
  Add(0, 0, 100, 400);
  Add(1, 0, 200, 300);
  const std::vector<Finding> findings = analyze::Analyze(run_);
  ASSERT_THAT(findings, SizeIs(1));
  const Finding& finding = findings[0];
  EXPECT_STREQ(finding.rule->id, "file-race");
  EXPECT_EQ(finding.level, Level::kError);
  EXPECT_THAT(finding.title, HasSubstr("/f"));
  ASSERT_THAT(finding.threads, SizeIs(2));
  EXPECT_EQ(finding.threads[0].process, 0);
  EXPECT_EQ(finding.threads[1].process, 1);
  ASSERT_THAT(finding.interleaving, SizeIs(4));
  EXPECT_EQ(finding.interleaving[0].thread, 0);
  EXPECT_EQ(finding.interleaving[1].thread, 1);
  EXPECT_EQ(finding.interleaving[2].thread, 1) << "the second reader wrote first";
  EXPECT_EQ(finding.interleaving[3].thread, 0);
  EXPECT_THAT(finding.identity, SizeIs(4));
  EXPECT_THAT(finding.explanation, HasSubstr("{thread:0} came last"));
}

TEST_F(FileRaceTest, OneAfterTheOtherIsNone) {
  Add(0, 0, 100, 200);
  Add(1, 0, 200, 300);
  Add(0, 1, 301, 400);
  EXPECT_THAT(Rules(), IsEmpty());
}

TEST_F(FileRaceTest, AnyOverlapOfManyStretchesCounts) {
  Add(0, 0, 100, 200).intervals.push_back({500, 600});
  Add(1, 0, 300, 400).intervals.push_back({599, 700});
  EXPECT_THAT(Rules(), ElementsAre("file-race"));
}

TEST_F(FileRaceTest, AThreadAndAProcessIsNeverInItsOwnWay) {
  Add(0, 0, 100, 400);
  Add(0, 0, 200, 300);
  EXPECT_THAT(Rules(), IsEmpty());
  Add(1, 0, 150, 250, "/g");
  run_.processes[1].pid = run_.processes[0].pid;
  Add(1, 0, 150, 250);
  EXPECT_THAT(Rules(), IsEmpty());
}

TEST_F(FileRaceTest, ThreadsOfOneProcess) {
  Add(0, 0, 100, 300);
  Add(0, 1, 200, 400);
  EXPECT_THAT(Rules(), ElementsAre("file-race"));
  HoldFirstLock(0);
  EXPECT_THAT(Rules(), IsEmpty());
}

TEST_F(FileRaceTest, OtherFilesAreOthers) {
  Add(0, 0, 100, 300, "/f").inode = 1;
  Add(1, 0, 200, 400, "/g").inode = 2;
  EXPECT_THAT(Rules(), IsEmpty());
  run_.processes[1].file_updates[0].inode = 1;
  EXPECT_THAT(Rules(), ElementsAre("file-race")) << "two names of one file";
  run_.processes[1].file_updates[0].way = FileWay::kReplaced;
  EXPECT_THAT(Rules(), IsEmpty()) << "the file that is there after a rename is another one";
}

TEST_F(FileRaceTest, OneFindingForEachPairOfPlaces) {
  for (int i = 0; i < 5; ++i) {
    Add(0, 0, 100, 300, "/f" + std::to_string(i)).inode = static_cast<uint64_t>(i);
    Add(1, 0, 200, 400, "/f" + std::to_string(i)).inode = static_cast<uint64_t>(i);
  }
  std::vector<Finding> findings = analyze::Analyze(run_);
  ASSERT_THAT(findings, SizeIs(1));
  EXPECT_EQ(findings[0].count, 5u);
  run_.processes[0].file_updates[0].write_stack = 2;
  EXPECT_THAT(analyze::Analyze(run_), SizeIs(2));
}

TEST_F(FileRaceTest, ALockOfBothProcesses) {
  Add(0, 0, 100, 300);
  Add(1, 0, 200, 400);
  HoldFirstLock(0);
  HoldFirstLock(1);
  EXPECT_THAT(Rules(), ElementsAre("file-race")) << "two private mutexes";
  ShareLocks(LockKind::kMutex, trace::SharedSpace::kMemory);
  EXPECT_THAT(Rules(), IsEmpty());
  run_.processes[0].locks[0].shared->offset = 64;
  EXPECT_THAT(Rules(), ElementsAre("file-race")) << "two mutexes of one mapping";
}

TEST_F(FileRaceTest, ASharedLockOfUnknownIdentityMayBeCommon) {
  Add(0, 0, 100, 300);
  Add(1, 0, 200, 400);
  HoldFirstLock(0);
  HoldFirstLock(1);
  run_.processes[0].locks[0].flags |= trace::kProcessShared;
  EXPECT_THAT(Rules(), ElementsAre("file-race"));
  run_.processes[1].locks[0].flags |= trace::kProcessShared;
  EXPECT_THAT(Rules(), IsEmpty());
}

TEST_F(FileRaceTest, LocksOnFiles) {
  Add(0, 0, 100, 300);
  Add(1, 0, 200, 400);
  HoldFirstLock(0);
  HoldFirstLock(1);
  for (const LockKind kind : {LockKind::kFlock, LockKind::kPosixFileLock, LockKind::kOpenFileLock}) {
    ShareLocks(kind, trace::SharedSpace::kFile);
    EXPECT_THAT(Rules(), IsEmpty());
  }
  run_.processes[0].locks[0].shared->offset = 10;
  EXPECT_THAT(Rules(), IsEmpty()) << "other ranges of the same file: they mind each other";
  run_.processes[0].locks[0].shared->inode = 100;
  EXPECT_THAT(Rules(), ElementsAre("file-race"));
}

TEST_F(FileRaceTest, TwoReadersExcludeNobody) {
  Add(0, 0, 100, 300);
  Add(1, 0, 200, 400);
  ShareLocks(LockKind::kFlock, trace::SharedSpace::kFile);
  HoldFirstLock(0, Mode::kShared);
  HoldFirstLock(1, Mode::kShared);
  EXPECT_THAT(Rules(), ElementsAre("file-race"));
}

TEST_F(FileRaceTest, ASemaphoreThatIsASignalProtectsNothing) {
  Add(0, 0, 100, 300);
  Add(1, 0, 200, 400);
  ShareLocks(LockKind::kNamedSemaphore, trace::SharedSpace::kMemory);
  HoldFirstLock(0);
  HoldFirstLock(1);
  EXPECT_THAT(Rules(), ElementsAre("file-race"));
  for (trace::Process& process : run_.processes) {
    process.locks[0].flags |= trace::kLockLike;
  }
  EXPECT_THAT(Rules(), IsEmpty());
}

TEST_F(FileRaceTest, WhatBothReplaceAsAWholeMayBeACache) {
  for (const size_t process : {size_t{0}, size_t{1}}) {
    Add(process, 0, 100 + process, 300 + process).way = FileWay::kReplaced;
  }
  EXPECT_EQ(analyze::Analyze(run_).at(0).level, Level::kWarning);
  run_.processes[0].file_updates[0].way = FileWay::kEmptied;
  EXPECT_EQ(analyze::Analyze(run_).at(0).level, Level::kError) << "a reader may see it half written";
}

TEST_F(FileRaceTest, ALockFileIsALock) {
  for (const size_t process : {size_t{0}, size_t{1}}) {
    FileUpdate& update = Add(process, 0, 100 + process, 300 + process);
    update.way = FileWay::kReplaced;
    update.flags = trace::kSourceExclusive;
    update.source = "/f.lock";
  }
  EXPECT_THAT(Rules(), IsEmpty());
  run_.processes[0].file_updates[0].source = "/f.1";
  EXPECT_THAT(Rules(), ElementsAre("file-race")) << "temporary files of their own";
  run_.processes[0].file_updates[0].source = "/f.lock";
  run_.processes[0].file_updates[0].flags = 0;
  EXPECT_THAT(Rules(), ElementsAre("file-race"));
}

TEST_F(FileRaceTest, AChildThatEndsBeforeTheParentGoesOn) {
  Add(0, 0, 100, 900);
  Add(1, 0, 300, 400);
  trace::Process& child = run_.processes[1];
  child.ppid = 101;
  child.start_ns = 200;
  child.end_ns = 500;
  EXPECT_THAT(Rules(), IsEmpty());
  child.end_ns = 1000;
  EXPECT_THAT(Rules(), ElementsAre("file-race")) << "it runs beside its parent";
  child.end_ns = 500;
  child.ppid = 100;
  EXPECT_THAT(Rules(), ElementsAre("file-race")) << "no child of it";
}

TEST_F(FileRaceTest, AThreadThatEndsBeforeItsCreatorGoesOn) {
  Add(0, 0, 100, 900);
  Add(0, 1, 300, 400);
  trace::Thread& thread = run_.processes[0].threads[1];
  thread.start_ns = 200;
  thread.finish_ns = 500;
  EXPECT_THAT(Rules(), ElementsAre("file-race")) << "made by another one";
  thread.creator = 0;
  EXPECT_THAT(Rules(), IsEmpty());
}

TEST_F(FileRaceTest, NotBeforeItIsOver) {
  Add(0, 0, 100, 300);
  Add(1, 0, 200, 400);
  run_.over = false;
  run_.processes[1].ended = false;
  EXPECT_THAT(Rules(), IsEmpty());
}

}  // namespace
}  // namespace gordian::test
