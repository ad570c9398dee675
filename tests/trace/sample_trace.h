// One trace with a record of every type, in which all references are good.
#ifndef GORDIAN_TESTS_TRACE_SAMPLE_TRACE_H_
#define GORDIAN_TESTS_TRACE_SAMPLE_TRACE_H_

#include <cstring>
#include <string_view>

#include "tests/support/trace_bytes.h"

namespace gordian::trace {

inline constexpr uint64_t FrameIn(uint64_t serial, uint64_t offset) {
  return serial << kFrameModuleShift | offset;
}

inline HeldEntry Held(Ref lock, Ref stack, uint32_t acquisition, Mode mode = Mode::kExclusive) {
  HeldEntry entry{};
  entry.lock = lock;
  entry.stack = stack;
  entry.acquisition = acquisition;
  entry.mode = static_cast<uint8_t>(mode);
  return entry;
}

struct SampleTrace {
  TraceBytes bytes;
  Ref module, stack, other_stack, main_thread, worker, string, mutex, rwlock, held_set, others_set,
      dependency, child, event, main_slot, worker_slot;
};

inline void AddSampleHeader(SampleTrace* sample) {
  FileHeader& header = sample->bytes.header;
  header.flags = kTagsWork | kHooksWork;
  header.parent_nonce = 77;
  strcpy(header.boot_id, "6e1f0a2c-0000-4000-8000-1234567890ab");
  header.ppid = 4000;
  header.start_ticks = 987654;
  header.image = 2;
  header.uid = 1000;
  header.session = 3999;
  header.start_mono_ns = 5'000'000'000;
  header.start_real_ns = 1'700'000'000'000'000'000;
  header.counters.records_dropped = 3;
  header.counters.stacks_skipped = 4;
  strcpy(header.executable, "/usr/bin/server");
  constexpr std::string_view kCommand("server\0--port\0\0", 15);
  header.command_bytes = kCommand.size();
  memcpy(header.command, kCommand.data(), kCommand.size());
}

inline void AddSampleThreads(SampleTrace* sample) {
  ModuleRecord module{};
  module.serial = 1;
  module.build_id_bytes = 3;
  module.build_id[0] = 0x0A;
  module.build_id[1] = 0xBC;
  module.build_id[2] = 0x01;
  module.start = 0x400000;
  module.end = 0x500000;
  module.bias = 0x1000;
  sample->module = sample->bytes.AddModule(module, "/usr/bin/server");
  sample->stack = sample->bytes.AddStack({FrameIn(1, 0x10), FrameIn(1, 0x20), FrameIn(0, 0x7F0012345678)});
  sample->other_stack = sample->bytes.AddStack({FrameIn(1, 0x30)});

  ThreadRecord main_thread{};
  main_thread.tid = 4242;
  main_thread.state = static_cast<uint32_t>(ThreadState::kRunning);
  main_thread.flags = kMainThread;
  main_thread.start_ns = 5'000'000'001;
  strcpy(main_thread.name, "server");
  sample->main_thread = sample->bytes.AddThread(main_thread);
  sample->bytes.header.first_thread = sample->main_thread;
}

inline void AddSampleLocks(SampleTrace* sample) {
  sample->string = sample->bytes.AddString("queue lock");
  LockRecord mutex{};
  mutex.kind = static_cast<uint8_t>(LockKind::kRecursiveMutex);
  mutex.flags = kStatic | kRobust;
  mutex.module_serial = 1;
  mutex.module_offset = 0x8040;
  mutex.address = 0x408040;
  mutex.first_stack = sample->stack;
  mutex.creator = sample->main_thread;
  mutex.owner_at_fork = 11;
  mutex.name = sample->string;
  mutex.signals = 6;
  mutex.born_ns = 5'000'000'100;
  sample->mutex = sample->bytes.AddLock(mutex);

  LockRecord rwlock{};
  rwlock.kind = static_cast<uint8_t>(LockKind::kRwlock);
  rwlock.address = 0x7F00AA00;
  rwlock.create_stack = sample->other_stack;
  sample->rwlock = sample->bytes.AddLock(rwlock);
}

inline void AddSampleHistory(SampleTrace* sample) {
  sample->held_set = sample->bytes.AddHeldSet(
      sample->main_thread,
      {Held(sample->mutex, sample->stack, 9), Held(sample->rwlock, 0, 10, Mode::kShared)});
  ThreadRecord worker{};
  worker.tid = 4243;
  worker.state = static_cast<uint32_t>(ThreadState::kFinished);
  worker.flags = kJoined | kEndedByExit;
  worker.creator = sample->main_thread;
  worker.creator_segment = 3;
  worker.create_stack = sample->stack;
  worker.create_held = sample->held_set;
  worker.joiner = sample->main_thread;
  worker.joiner_segment = 5;
  worker.join_held = sample->held_set;
  worker.pthread = 0x7F0000001700;
  worker.start_ns = 5'000'000'200;
  worker.finish_ns = 5'000'000'900;
  memcpy(worker.name, "sixteen-letters!", sizeof(worker.name));
  sample->worker = sample->bytes.AddThread(worker);
  // Another thread's holdings at a fork: the holder stands in the place of the acquisition count.
  sample->others_set = sample->bytes.AddHeldSet(0, {Held(sample->mutex, sample->stack, sample->worker)});

  DependencyRecord dependency{};
  dependency.thread = sample->worker;
  dependency.lock = sample->mutex;
  dependency.stack = sample->other_stack;
  dependency.flags = kReacquire;
  dependency.mode = static_cast<uint8_t>(Mode::kShared);
  dependency.count = 12;
  dependency.first_ns = 5'000'000'300;
  dependency.last_ns = 5'000'000'400;
  dependency.segment_count = 2;
  dependency.segments[0] = 7;
  dependency.segments[1] = 8;
  sample->dependency =
      sample->bytes.AddDependency(dependency, {Held(sample->rwlock, sample->stack, 21, Mode::kShared)});
}

inline void AddSampleEvents(SampleTrace* sample) {
  ChildRecord child{};
  child.pid = 4300;
  child.how = static_cast<uint8_t>(ChildHow::kSpawn);
  child.flags = kReaped | kExecd;
  child.thread = sample->worker;
  child.segment = 2;
  child.stack = sample->stack;
  child.others_held = sample->others_set;
  child.start_ns = 5'000'000'500;
  child.reap_ns = 5'000'000'600;
  child.reap_status = 0x0900;
  child.reaper = sample->main_thread;
  strcpy(child.exec_path, "/bin/true");
  sample->child = sample->bytes.AddChild(child);

  EventRecord event{};
  event.kind = static_cast<uint32_t>(EventKind::kUnlockNotOwner);
  event.thread = sample->worker;
  event.object = sample->mutex;
  event.other = sample->main_thread;
  event.value = -4242;
  event.stack = sample->stack;
  event.other_stack = sample->other_stack;
  event.time_ns = 5'000'000'700;
  event.error = 1;
  sample->event = sample->bytes.AddEvent(event);
}

inline void AddSampleSlots(SampleTrace* sample) {
  SlotRecord slot{};
  slot.thread = sample->worker;
  slot.tid = 4243;
  slot.segment = 8;
  slot.acquisitions = 33;
  slot.wait_kind = static_cast<uint8_t>(WaitKind::kJoin);
  slot.wait_object = sample->main_thread;
  slot.wait_stack = sample->other_stack;
  slot.held_count = 2;
  slot.held_overflow = sample->held_set;
  sample->worker_slot = sample->bytes.AddSlot(slot);

  slot = {};
  slot.next = sample->worker_slot;
  slot.thread = sample->main_thread;
  slot.tid = 4242;
  slot.segment = 6;
  slot.acquisitions = 44;
  slot.wait_kind = static_cast<uint8_t>(WaitKind::kLock);
  slot.wait_flags = kTimed;
  slot.wait_mode = static_cast<uint8_t>(Mode::kShared);
  slot.wait_object = sample->rwlock;
  slot.wait_stack = sample->stack;
  slot.held_count = 1;
  slot.held[0] = Held(sample->mutex, sample->stack, 43);
  slot.held[0].depth = 2;
  sample->main_slot = sample->bytes.AddSlot(slot);
  sample->bytes.header.first_slot = sample->main_slot;
}

inline void AddSampleProfile(SampleTrace* sample) {
  sample->bytes.header.first_reading = {1000, 50};
  sample->bytes.header.last_reading = {5000, 2050};
  ProfileRecord profile{};
  profile.lock = sample->rwlock;
  profile.stack = sample->stack;
  profile.mode = static_cast<uint8_t>(Mode::kShared);
  profile.acquisitions = 7;
  profile.contended = 2;
  profile.wait_ticks = 60;
  profile.most_wait_ticks = 40;
  profile.hold_ticks = 900;
  profile.most_hold_ticks = 500;
  sample->bytes.Add(Type::kProfile, profile);
}

inline SampleTrace MakeSampleTrace() {
  SampleTrace sample;
  AddSampleHeader(&sample);
  AddSampleThreads(&sample);
  AddSampleLocks(&sample);
  AddSampleHistory(&sample);
  AddSampleEvents(&sample);
  AddSampleSlots(&sample);
  AddSampleProfile(&sample);
  return sample;
}

}  // namespace gordian::trace

#endif  // GORDIAN_TESTS_TRACE_SAMPLE_TRACE_H_
