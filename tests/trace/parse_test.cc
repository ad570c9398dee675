// What the reader makes of traces that are as they should be, or nearly so.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libsync/trace/interpreters.h"
#include "libsync/trace/reader.h"
#include "tests/trace/sample_trace.h"

namespace gordian::trace {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

Process ParseOrDie(const TraceBytes& bytes) {
  std::string why;
  std::optional<Process> process = ParseProcess(bytes.Bytes(), &why);
  EXPECT_TRUE(process.has_value()) << why;
  return process.value_or(Process{});
}

class SampleTest : public ::testing::Test {
 protected:
  SampleTest() : process_(ParseOrDie(MakeSampleTrace().bytes)) {}
  const Process process_;
};

TEST_F(SampleTest, NothingIsDamaged) { EXPECT_EQ(process_.damage, ""); }

TEST_F(SampleTest, Header) {
  EXPECT_EQ(process_.nonce, 0x1122334455667788u);
  EXPECT_EQ(process_.parent_nonce, 77u);
  EXPECT_EQ(process_.pid, 4242);
  EXPECT_EQ(process_.ppid, 4000);
  EXPECT_EQ(process_.start_ticks, 987654u);
  EXPECT_EQ(process_.image, 2u);
  EXPECT_EQ(process_.uid, 1000u);
  EXPECT_EQ(process_.session, 3999);
  EXPECT_EQ(process_.executable, "/usr/bin/server");
  EXPECT_THAT(process_.command, ElementsAre("server", "--port", ""));
  EXPECT_EQ(process_.start_ns, 5'000'000'000u);
  EXPECT_EQ(process_.start_real_ns, 1'700'000'000'000'000'000u);
  EXPECT_EQ(process_.flags, kTagsWork | kHooksWork);
  EXPECT_EQ(process_.counters.records_dropped, 3u);
  EXPECT_EQ(process_.counters.stacks_skipped, 4u);
  EXPECT_EQ(process_.end, End::kNone);
  EXPECT_FALSE(process_.ended);
}

TEST_F(SampleTest, ModulesAndStacks) {
  ASSERT_THAT(process_.modules, SizeIs(1));
  EXPECT_EQ(process_.modules[0].path, "/usr/bin/server");
  EXPECT_EQ(process_.modules[0].build_id, "0abc01");
  EXPECT_EQ(process_.modules[0].start, 0x400000u);
  EXPECT_EQ(process_.modules[0].end, 0x500000u);
  EXPECT_EQ(process_.modules[0].bias, 0x1000u);
  ASSERT_THAT(process_.stacks, SizeIs(2));
  EXPECT_THAT(process_.stacks[0].frames,
              ElementsAre(Frame{0, 0x10}, Frame{0, 0x20}, Frame{kNoIndex, 0x7F0012345678}));
  EXPECT_THAT(process_.stacks[1].frames, ElementsAre(Frame{0, 0x30}));
}

TEST_F(SampleTest, Threads) {
  ASSERT_THAT(process_.threads, SizeIs(2));
  const Thread& main_thread = process_.threads[0];
  EXPECT_EQ(main_thread.tid, 4242);
  EXPECT_EQ(main_thread.name, "server");
  EXPECT_EQ(main_thread.state, ThreadState::kRunning);
  EXPECT_EQ(main_thread.flags, kMainThread);
  EXPECT_EQ(main_thread.creator, kNoIndex);
  EXPECT_EQ(main_thread.joiner, kNoIndex);
  EXPECT_THAT(main_thread.create_held, IsEmpty());

  const Thread& worker = process_.threads[1];
  EXPECT_EQ(worker.tid, 4243);
  EXPECT_EQ(worker.name, "sixteen-letters!");
  EXPECT_EQ(worker.state, ThreadState::kFinished);
  EXPECT_EQ(worker.flags, kJoined | kEndedByExit);
  EXPECT_EQ(worker.creator, 0);
  EXPECT_EQ(worker.creator_segment, 3u);
  EXPECT_EQ(worker.create_stack, 0);
  EXPECT_EQ(worker.joiner, 0);
  EXPECT_EQ(worker.joiner_segment, 5u);
  EXPECT_EQ(worker.pthread, 0x7F0000001700u);
  EXPECT_EQ(worker.start_ns, 5'000'000'200u);
  EXPECT_EQ(worker.finish_ns, 5'000'000'900u);
  const Holding mutex{.lock = 0, .stack = 0, .acquisition = 9};
  const Holding rwlock{.lock = 1, .mode = Mode::kShared, .acquisition = 10};
  EXPECT_THAT(worker.create_held, ElementsAre(mutex, rwlock));
  EXPECT_THAT(worker.join_held, ElementsAre(mutex, rwlock));
}

TEST_F(SampleTest, LiveState) {
  ASSERT_THAT(process_.threads, SizeIs(2));
  const Thread& main_thread = process_.threads[0];
  EXPECT_TRUE(main_thread.live);
  EXPECT_EQ(main_thread.segment, 6u);
  EXPECT_EQ(main_thread.acquisitions, 44u);
  EXPECT_EQ(main_thread.wait,
            (Wait{.kind = WaitKind::kLock, .timed = true, .mode = Mode::kShared, .lock = 1, .stack = 0}));
  EXPECT_THAT(main_thread.held, ElementsAre(Holding{.lock = 0, .stack = 0, .acquisition = 43, .depth = 2}));
  EXPECT_FALSE(main_thread.settled);
  EXPECT_FALSE(main_thread.gone);

  const Thread& worker = process_.threads[1];
  EXPECT_TRUE(worker.live);
  EXPECT_EQ(worker.wait, (Wait{.kind = WaitKind::kJoin, .thread = 0, .stack = 1}));
  EXPECT_THAT(worker.held, ElementsAre(Holding{.lock = 0, .stack = 0, .acquisition = 9},
                                       Holding{.lock = 1, .mode = Mode::kShared, .acquisition = 10}));
}

TEST_F(SampleTest, Locks) {
  ASSERT_THAT(process_.locks, SizeIs(2));
  const Lock& mutex = process_.locks[0];
  EXPECT_NE(mutex.ref, 0u);
  EXPECT_EQ(mutex.kind, LockKind::kRecursiveMutex);
  EXPECT_EQ(mutex.flags, kStatic | kRobust);
  EXPECT_EQ(mutex.address, 0x408040u);
  EXPECT_EQ(mutex.place, (Frame{0, 0x8040}));
  EXPECT_EQ(mutex.create_stack, kNoIndex);
  EXPECT_EQ(mutex.first_stack, 0);
  EXPECT_EQ(mutex.creator, 0);
  EXPECT_EQ(mutex.owner_at_fork, 11);
  EXPECT_EQ(mutex.signals, 6u);
  EXPECT_EQ(mutex.born_ns, 5'000'000'100u);
  EXPECT_EQ(mutex.name, "queue lock");
  EXPECT_FALSE(mutex.interpreter);
  const Lock& rwlock = process_.locks[1];
  EXPECT_EQ(rwlock.kind, LockKind::kRwlock);
  EXPECT_EQ(rwlock.place, (Frame{kNoIndex, 0x7F00AA00}));
  EXPECT_EQ(rwlock.create_stack, 1);
  EXPECT_EQ(rwlock.name, "");
}

TEST_F(SampleTest, Dependencies) {
  ASSERT_THAT(process_.dependencies, SizeIs(1));
  const Dependency& dependency = process_.dependencies[0];
  EXPECT_EQ(dependency.thread, 1);
  EXPECT_EQ(dependency.lock, 0);
  EXPECT_EQ(dependency.stack, 1);
  EXPECT_EQ(dependency.mode, Mode::kShared);
  EXPECT_EQ(dependency.flags, kReacquire);
  EXPECT_EQ(dependency.count, 12u);
  EXPECT_EQ(dependency.first_ns, 5'000'000'300u);
  EXPECT_EQ(dependency.last_ns, 5'000'000'400u);
  EXPECT_THAT(dependency.segments, ElementsAre(7u, 8u));
  EXPECT_THAT(dependency.held,
              ElementsAre(Holding{.lock = 1, .stack = 0, .mode = Mode::kShared, .acquisition = 21}));
}

TEST_F(SampleTest, Children) {
  ASSERT_THAT(process_.children, SizeIs(1));
  const Child& child = process_.children[0];
  EXPECT_EQ(child.pid, 4300);
  EXPECT_EQ(child.how, ChildHow::kSpawn);
  EXPECT_EQ(child.flags, kReaped | kExecd);
  EXPECT_EQ(child.thread, 1);
  EXPECT_EQ(child.segment, 2u);
  EXPECT_EQ(child.stack, 0);
  EXPECT_THAT(child.others_held, ElementsAre(Holding{.lock = 0, .stack = 0, .thread = 1}));
  EXPECT_EQ(child.start_ns, 5'000'000'500u);
  EXPECT_EQ(child.reap_ns, 5'000'000'600u);
  EXPECT_EQ(child.reap_status, 0x0900);
  EXPECT_EQ(child.reaper, 0);
  EXPECT_EQ(child.exec_path, "/bin/true");
}

TEST_F(SampleTest, Events) {
  ASSERT_THAT(process_.events, SizeIs(1));
  const Event& event = process_.events[0];
  EXPECT_EQ(event.kind, EventKind::kUnlockNotOwner);
  EXPECT_EQ(event.thread, 1);
  EXPECT_EQ(event.lock, 0);
  EXPECT_EQ(event.other, 0);
  EXPECT_EQ(event.value, -4242);
  EXPECT_EQ(event.stack, 0);
  EXPECT_EQ(event.other_stack, 1);
  EXPECT_EQ(event.time_ns, 5'000'000'700u);
  EXPECT_EQ(event.error, 1u);
}

TEST_F(SampleTest, ProfileInNanoseconds) {
  ASSERT_THAT(process_.profiles, SizeIs(1));
  const Profile& profile = process_.profiles[0];
  EXPECT_EQ(process_.locks.at(static_cast<size_t>(profile.lock)).ref, MakeSampleTrace().rwlock);
  EXPECT_EQ(profile.stack, 0);
  EXPECT_EQ(profile.mode, Mode::kShared);
  EXPECT_EQ(profile.acquisitions, 7U);
  EXPECT_EQ(profile.contended, 2U);
  EXPECT_EQ(profile.wait_ns, 30U);
  EXPECT_EQ(profile.most_wait_ns, 20U);
  EXPECT_EQ(profile.hold_ns, 450U);
  EXPECT_EQ(profile.most_hold_ns, 250U);
}

TEST(ParseTest, ProfileWithoutACounterIsInNanoseconds) {
  SampleTrace sample = MakeSampleTrace();
  sample.bytes.header.first_reading = sample.bytes.header.last_reading = {};
  EXPECT_EQ(ParseOrDie(sample.bytes).profiles.at(0).hold_ns, 900U);
  sample.bytes.header.last_reading = {1, UINT64_MAX};  // damaged
  EXPECT_LT(ParseOrDie(sample.bytes).profiles.at(0).hold_ns, UINT64_MAX / 8);
}

TEST(ParseTest, EndOfTheImage) {
  SampleTrace sample = MakeSampleTrace();
  sample.bytes.header.end = static_cast<uint32_t>(End::kRawExit);
  sample.bytes.header.end_detail = 3;
  sample.bytes.header.end_thread = sample.worker;
  sample.bytes.header.end_stack = sample.other_stack;
  sample.bytes.header.end_mono_ns = 6'000'000'000;
  Process process = ParseOrDie(sample.bytes);
  EXPECT_EQ(process.end, End::kRawExit);
  EXPECT_EQ(process.end_detail, 3u);
  EXPECT_EQ(process.end_thread, 1);
  EXPECT_EQ(process.end_stack, 1);
  EXPECT_EQ(process.end_ns, 6'000'000'000u);
  EXPECT_TRUE(process.ended);
  EXPECT_FALSE(process.threads[0].settled) << "handlers of exit may still run";
}

TEST(ParseTest, MarkEndedSettlesEveryThread) {
  Process process = ParseOrDie(MakeSampleTrace().bytes);
  MarkEnded(&process);
  EXPECT_TRUE(process.ended);
  for (const Thread& thread : process.threads) {
    EXPECT_TRUE(thread.settled);
  }
}

TEST(ParseTest, WaitsOfEachKind) {
  SampleTrace sample = MakeSampleTrace();
  const Ref slot = sample.main_slot;
  const auto wait_for = [&](WaitKind kind, Ref object, Ref object2, int64_t value) {
    sample.bytes.Set(slot, offsetof(SlotRecord, wait_kind), kind);
    sample.bytes.Set(slot, offsetof(SlotRecord, wait_flags), uint8_t{0});
    sample.bytes.Set(slot, offsetof(SlotRecord, wait_mode), Mode::kExclusive);
    sample.bytes.Set(slot, offsetof(SlotRecord, wait_object), object);
    sample.bytes.Set(slot, offsetof(SlotRecord, wait_object2), object2);
    sample.bytes.Set(slot, offsetof(SlotRecord, wait_stack), Ref{0});
    sample.bytes.Set(slot, offsetof(SlotRecord, wait_value), value);
    return ParseOrDie(sample.bytes).threads.at(0).wait;
  };
  EXPECT_EQ(wait_for(WaitKind::kNone, sample.mutex, 0, 5), Wait{});
  EXPECT_EQ(wait_for(WaitKind::kLock, sample.mutex, 0, 0), (Wait{.kind = WaitKind::kLock, .lock = 0}));
  EXPECT_EQ(wait_for(WaitKind::kCondition, sample.rwlock, sample.mutex, 17),
            (Wait{.kind = WaitKind::kCondition, .lock = 1, .mutex = 0, .value = 17}));
  EXPECT_EQ(wait_for(WaitKind::kJoin, sample.worker, 0, 0), (Wait{.kind = WaitKind::kJoin, .thread = 1}));
  EXPECT_EQ(wait_for(WaitKind::kProcess, sample.child, 0, -1),
            (Wait{.kind = WaitKind::kProcess, .child = 0, .value = -1}));
  EXPECT_EQ(wait_for(WaitKind::kProcess, 0, 0, 4711), (Wait{.kind = WaitKind::kProcess, .value = 4711}));
  EXPECT_EQ(wait_for(static_cast<WaitKind>(200), sample.mutex, 0, 0), Wait{});
}

TEST(ParseTest, WhatAnotherThreadGaveBackIsNotHeld) {
  SampleTrace sample = MakeSampleTrace();
  sample.bytes.Set(sample.main_slot, offsetof(SlotRecord, held) + offsetof(HeldEntry, flags),
                   uint8_t{kGivenUp});
  const Process process = ParseOrDie(sample.bytes);
  EXPECT_EQ(process.damage, "");
  EXPECT_THAT(process.threads[0].held, IsEmpty());
  EXPECT_THAT(process.threads[1].held, SizeIs(2));
}

TEST(ParseTest, AWaitMayConvert) {
  SampleTrace sample = MakeSampleTrace();
  EXPECT_FALSE(ParseOrDie(sample.bytes).threads[0].wait.converts);
  sample.bytes.Set(sample.main_slot, offsetof(SlotRecord, wait_flags), uint8_t{kConverts});
  const Process process = ParseOrDie(sample.bytes);
  EXPECT_TRUE(process.threads[0].wait.converts);
  EXPECT_FALSE(process.threads[0].wait.timed);
}

TEST(ParseTest, FreeSlotsAreNobodys) {
  SampleTrace sample = MakeSampleTrace();
  sample.bytes.Set(sample.main_slot, offsetof(SlotRecord, thread), Ref{0});
  const Process process = ParseOrDie(sample.bytes);
  EXPECT_FALSE(process.threads.at(0).live);
  EXPECT_THAT(process.threads.at(0).held, IsEmpty());
  EXPECT_TRUE(process.threads.at(1).live);
  EXPECT_EQ(process.damage, "");
}

TEST(ParseTest, SetsOfOneThreadNameIt) {
  SampleTrace sample = MakeSampleTrace();
  sample.bytes.Set(sample.child, offsetof(ChildRecord, others_held), sample.held_set);
  EXPECT_THAT(ParseOrDie(sample.bytes).children.at(0).others_held,
              ElementsAre(Holding{.lock = 0, .stack = 0, .acquisition = 9, .thread = 0},
                          Holding{.lock = 1, .mode = Mode::kShared, .acquisition = 10, .thread = 0}));
}

TEST(ParseTest, ZeroGapsAreSkipped) {
  TraceBytes bytes;
  ThreadRecord thread{};
  thread.tid = 1;
  bytes.AddZeros(1);
  bytes.AddThread(thread);
  bytes.AddZeros(5000);
  bytes.AddThread(thread);
  bytes.AddZeros(3);
  const Process process = ParseOrDie(bytes);
  EXPECT_THAT(process.threads, SizeIs(2));
  EXPECT_EQ(process.damage, "");
}

TEST(ParseTest, RecordsBeingWrittenAreSkipped) {
  SampleTrace sample = MakeSampleTrace();
  sample.bytes.Set(sample.rwlock, offsetof(RecordPrefix, committed), uint32_t{0});
  const Process process = ParseOrDie(sample.bytes);
  EXPECT_THAT(process.locks, SizeIs(1));
  EXPECT_THAT(process.threads, SizeIs(2));
  EXPECT_THAT(process.events, SizeIs(1));
}

TEST(ParseTest, HalfAPrefixIsATornTailNotDamage) {
  TraceBytes bytes;
  ThreadRecord thread{};
  bytes.AddThread(thread);
  const Ref type_only = bytes.Add(Type::kStack, StackRecord{}, sizeof(RecordPrefix));
  bytes.Set(type_only, 0, RecordPrefix{static_cast<uint16_t>(Type::kStack), 0, 0});
  const Ref size_only = bytes.Add(Type::kStack, StackRecord{}, sizeof(RecordPrefix));
  bytes.Set(size_only, 0, RecordPrefix{0, 3, 0});
  bytes.AddThread(thread);
  const Process process = ParseOrDie(bytes);
  EXPECT_THAT(process.threads, SizeIs(2));
  EXPECT_EQ(process.damage, "");
}

TEST(ParseTest, UnknownTypesAndEventsAreSkippedInSilence) {
  TraceBytes bytes;
  ThreadRecord thread{};
  for (const uint16_t type : {90, 95, 96, 99, 0xFFFF}) {
    bytes.Add(static_cast<Type>(type), thread);
  }
  EventRecord event{};
  for (const uint32_t kind : {0u, 1000u, 0xFFFFFFFFu}) {
    event.kind = kind;
    bytes.AddEvent(event);
  }
  bytes.AddThread(thread);
  const Process process = ParseOrDie(bytes);
  EXPECT_THAT(process.threads, SizeIs(1));
  EXPECT_THAT(process.events, IsEmpty());
  EXPECT_EQ(process.damage, "");
}

TEST(ParseTest, ModuleSerialsNeedNotBeWithoutGaps) {
  TraceBytes bytes;
  ModuleRecord module{};
  module.serial = 7;
  bytes.AddModule(module, "/lib/seven.so");
  module.serial = 2;
  bytes.AddModule(module, "/lib/two.so");
  bytes.AddStack({FrameIn(2, 1), FrameIn(7, 2)});
  EXPECT_THAT(ParseOrDie(bytes).stacks.at(0).frames, ElementsAre(Frame{1, 1}, Frame{0, 2}));
}

// A trace with one static and two created locks, and the module that they all belong to.
Process LocksOf(const std::string& module_path) {
  TraceBytes bytes;
  ModuleRecord module{};
  module.serial = 1;
  bytes.AddModule(module, module_path);
  module.serial = 2;
  bytes.AddModule(module, "/usr/bin/other");
  const Ref inside = bytes.AddStack({FrameIn(1, 5), FrameIn(2, 5)});
  const Ref outside = bytes.AddStack({FrameIn(2, 5), FrameIn(1, 5)});
  LockRecord lock{};
  lock.flags = kStatic;
  lock.module_serial = 1;
  bytes.AddLock(lock);
  lock = {};
  lock.create_stack = inside;
  bytes.AddLock(lock);
  lock = {};
  lock.first_stack = inside;
  bytes.AddLock(lock);
  lock.create_stack = outside;
  bytes.AddLock(lock);
  lock = {};
  bytes.AddLock(lock);
  return ParseOrDie(bytes);
}

TEST(ParseTest, InterpreterLocks) {
  const auto flags_of = [](const Process& process) {
    std::vector<bool> flags;
    for (const Lock& lock : process.locks) {
      flags.push_back(lock.interpreter);
    }
    return flags;
  };
  EXPECT_THAT(flags_of(LocksOf("/usr/bin/python3.11")), ElementsAre(true, true, true, false, false));
  EXPECT_THAT(flags_of(LocksOf("/usr/bin/server")), ElementsAre(false, false, false, false, false));
}

TEST(InterpretersTest, ByFileName) {
  for (const char* path : {"/usr/bin/python3.11", "/usr/bin/python3", "/usr/bin/python", "/opt/bin/python2.7",
                           "python311", "python3.12d", "/usr/lib/x86_64-linux-gnu/libpython3.11.so.1.0",
                           "/usr/lib/jvm/java-17-openjdk-amd64/lib/server/libjvm.so"}) {
    EXPECT_TRUE(IsInterpreter(path)) << path;
  }
  for (const char* path :
       {"/usr/bin/pythonqt", "/usr/bin/python3-config", "/usr/lib/python3/x.so", "", "/usr/bin/ipython3",
        "/home/python/server", "/usr/bin/python4", "/opt/lib/libjvm.so.1"}) {
    EXPECT_FALSE(IsInterpreter(path)) << path;
  }
}

}  // namespace
}  // namespace gordian::trace
