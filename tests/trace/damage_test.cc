// Torn, truncated, damaged and hostile traces: whatever can be read is, the rest is told, nothing is
// believed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "libsync/trace/reader.h"
#include "tests/trace/sample_trace.h"

namespace gordian::trace {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// Follows every reference of a Process and counts all that it holds.
class Checker {
 public:
  explicit Checker(const Process& process) : process_(process) {}

  // Elements of all vectors together; fails the test on a reference that leads out of its vector.
  size_t Check() {
    for (const Stack& stack : process_.stacks) {
      elements_ += 1 + stack.frames.size();
      for (const Frame& frame : stack.frames) {
        Within(frame.module, process_.modules.size());
      }
    }
    for (const Thread& thread : process_.threads) {
      CheckThread(thread);
    }
    for (const Lock& lock : process_.locks) {
      CheckStack(lock.create_stack);
      CheckStack(lock.first_stack);
      Within(lock.creator, process_.threads.size());
      Within(lock.place.module, process_.modules.size());
    }
    for (const Dependency& dependency : process_.dependencies) {
      Within(dependency.thread, process_.threads.size());
      Within(dependency.lock, process_.locks.size());
      CheckStack(dependency.stack);
      CheckHoldings(dependency.held);
      EXPECT_LE(dependency.segments.size(), kSegmentSamples);
    }
    for (const Child& child : process_.children) {
      Within(child.thread, process_.threads.size());
      Within(child.reaper, process_.threads.size());
      CheckStack(child.stack);
      CheckHoldings(child.others_held);
    }
    for (const Event& event : process_.events) {
      Within(event.thread, process_.threads.size());
      Within(event.other, process_.threads.size());
      Within(event.lock, process_.locks.size());
      CheckStack(event.stack);
      CheckStack(event.other_stack);
    }
    for (const Profile& profile : process_.profiles) {
      Within(profile.lock, process_.locks.size());
      CheckStack(profile.stack);
    }
    Within(process_.end_thread, process_.threads.size());
    CheckStack(process_.end_stack);
    return elements_;
  }

 private:
  void Within(Index index, size_t size) {
    EXPECT_GE(index, kNoIndex);
    EXPECT_LT(index, static_cast<int64_t>(size));
  }
  void CheckStack(Index index) { Within(index, process_.stacks.size()); }
  void CheckHoldings(const std::vector<Holding>& holdings) {
    elements_ += holdings.size();
    for (const Holding& holding : holdings) {
      Within(holding.lock, process_.locks.size());
      Within(holding.thread, process_.threads.size());
      CheckStack(holding.stack);
    }
  }
  void CheckThread(const Thread& thread) {
    ++elements_;
    Within(thread.creator, process_.threads.size());
    Within(thread.joiner, process_.threads.size());
    Within(thread.wait.lock, process_.locks.size());
    Within(thread.wait.mutex, process_.locks.size());
    Within(thread.wait.thread, process_.threads.size());
    Within(thread.wait.child, process_.children.size());
    CheckStack(thread.wait.stack);
    CheckStack(thread.create_stack);
    CheckHoldings(thread.create_held);
    CheckHoldings(thread.join_held);
    CheckHoldings(thread.held);
  }

  const Process& process_;
  size_t elements_ = 0;
};

std::optional<Process> Parse(const std::string& bytes) {
  std::string why;
  std::optional<Process> process = ParseProcess(bytes, &why);
  EXPECT_NE(process.has_value(), !why.empty()) << why;
  return process;
}

TEST(DamageTest, EveryPrefixOfATraceIsReadable) {
  const std::string whole = MakeSampleTrace().bytes.Bytes();
  size_t last = 0;
  for (size_t length = 0; length <= whole.size(); ++length) {
    const std::optional<Process> process = Parse(whole.substr(0, length));
    ASSERT_EQ(process.has_value(), length >= offsetof(FileHeader, executable)) << length;
    if (!process) {
      continue;
    }
    const size_t elements = Checker(*process).Check();
    // What is cut off may only take away. References to it are damage, but no crash.
    ASSERT_GE(elements, last) << length;
    last = elements;
    ASSERT_EQ(process->damage.empty(), length == whole.size()) << length << process->damage;
  }
  EXPECT_GT(last, 10u);
}

TEST(DamageTest, AMissingTailIsTold) {
  const std::string whole = MakeSampleTrace().bytes.Bytes();
  const std::optional<Process> process = Parse(whole.substr(0, whole.size() - 100));
  ASSERT_TRUE(process);
  EXPECT_THAT(process->damage, HasSubstr("the last 100 bytes are missing"));
  EXPECT_THAT(process->locks, SizeIs(2));
}

TEST(DamageTest, RandomBitFlips) {
  const std::string whole = MakeSampleTrace().bytes.Bytes();
  for (uint32_t seed = 0; seed < 20'000; ++seed) {
    std::mt19937 random(seed);
    std::string bytes = whole;
    const size_t flips = 1 + random() % 20;
    for (size_t i = 0; i < flips; ++i) {
      // Most of the file before the stream is a control page that nobody reads.
      const size_t header_or_stream = random() % 4 == 0
                                          ? random() % sizeof(FileHeader)
                                          : kStreamOffset + random() % (whole.size() - kStreamOffset);
      bytes[header_or_stream] = static_cast<char>(bytes[header_or_stream] ^ (1 << random() % 8));
    }
    if (const std::optional<Process> process = Parse(bytes)) {
      ASSERT_LT(Checker(*process).Check(), 10'000u) << "seed " << seed;
    }
    ASSERT_FALSE(HasFailure()) << "seed " << seed;
  }
}

TEST(DamageTest, RandomWordsInTheStream) {
  const std::string whole = MakeSampleTrace().bytes.Bytes();
  // Values at which lengths and references change their meaning.
  constexpr uint32_t kWords[] = {0,          1,          0xFFFF,     0x10000,   0x7FFFFFFF,
                                 0x80000000, 0xFFFFFFFF, kCommitted, 0x00FF0005};
  for (uint32_t seed = 0; seed < 20'000; ++seed) {
    std::mt19937 random(seed);
    std::string bytes = whole;
    for (size_t i = 0; i < 1 + seed % 8; ++i) {
      const uint32_t word = kWords[random() % std::size(kWords)];
      const size_t at = kStreamOffset + random() % ((whole.size() - kStreamOffset) / 4) * 4;
      memcpy(bytes.data() + at, &word, sizeof(word));
    }
    const std::optional<Process> process = Parse(bytes);
    ASSERT_TRUE(process);
    ASSERT_LT(Checker(*process).Check(), 10'000u) << "seed " << seed;
    ASSERT_FALSE(HasFailure()) << "seed " << seed;
  }
}

TEST(DamageTest, CountsAreCutAtTheEndOfTheirRecord) {
  SampleTrace sample = MakeSampleTrace();
  constexpr uint32_t kHuge = 0xFFFFFFFF;
  sample.bytes.Set(sample.module, offsetof(ModuleRecord, path_bytes), kHuge);
  sample.bytes.Set(sample.module, offsetof(ModuleRecord, build_id_bytes), kHuge);
  sample.bytes.Set(sample.stack, offsetof(StackRecord, count), kHuge);
  sample.bytes.Set(sample.string, offsetof(StringRecord, bytes), kHuge);
  sample.bytes.Set(sample.dependency, offsetof(DependencyRecord, held_count), kHuge);
  sample.bytes.Set(sample.dependency, offsetof(DependencyRecord, segment_count), kHuge);
  sample.bytes.Set(sample.held_set, offsetof(HeldSetRecord, count), kHuge);
  sample.bytes.Set(sample.main_slot, offsetof(SlotRecord, held_count), kHuge);
  sample.bytes.header.command_bytes = kHuge;
  const std::optional<Process> process = Parse(sample.bytes.Bytes());
  ASSERT_TRUE(process);
  Checker(*process).Check();
  EXPECT_LE(process->modules.at(0).path.size(), 32u);
  EXPECT_THAT(process->modules.at(0).build_id, SizeIs(64));
  EXPECT_LE(process->stacks.at(0).frames.size(), 4u);
  EXPECT_LE(process->locks.at(0).name.size(), 20u);
  EXPECT_THAT(process->dependencies.at(0).held, SizeIs(1));
  EXPECT_THAT(process->dependencies.at(0).segments, SizeIs(kSegmentSamples));
  EXPECT_THAT(process->threads.at(1).create_held, SizeIs(2));
  EXPECT_THAT(process->threads.at(0).held, SizeIs(kInlineHeld));
  // The terminators of the 1024 bytes that a command may have.
  EXPECT_LE(process->command.size(), sizeof(FileHeader::command));
}

TEST(DamageTest, ReferencesToAnotherTypeOrPlaceLeadNowhere) {
  SampleTrace sample = MakeSampleTrace();
  sample.bytes.Set(sample.dependency, offsetof(DependencyRecord, lock), sample.stack);
  sample.bytes.Set(sample.dependency, offsetof(DependencyRecord, stack), sample.mutex);
  sample.bytes.Set(sample.dependency, offsetof(DependencyRecord, thread), Ref{0xFFFFFFFF});
  sample.bytes.Set(sample.event, offsetof(EventRecord, object), sample.mutex + 1);
  sample.bytes.Set(sample.event, offsetof(EventRecord, other), Ref{1});
  sample.bytes.Set(sample.child, offsetof(ChildRecord, others_held), sample.mutex);
  sample.bytes.Set(sample.mutex, offsetof(LockRecord, name), sample.rwlock);
  sample.bytes.Set(sample.mutex, offsetof(LockRecord, module_serial), uint16_t{9});
  const std::optional<Process> process = Parse(sample.bytes.Bytes());
  ASSERT_TRUE(process);
  EXPECT_EQ(process->dependencies.at(0).lock, kNoIndex);
  EXPECT_EQ(process->dependencies.at(0).stack, kNoIndex);
  EXPECT_EQ(process->dependencies.at(0).thread, kNoIndex);
  EXPECT_EQ(process->events.at(0).lock, kNoIndex);
  EXPECT_EQ(process->events.at(0).other, kNoIndex);
  EXPECT_THAT(process->children.at(0).others_held, IsEmpty());
  EXPECT_EQ(process->locks.at(0).name, "");
  EXPECT_EQ(process->locks.at(0).place, (Frame{kNoIndex, 0x408040}));
  EXPECT_THAT(process->damage, HasSubstr("7 references"));
}

TEST(DamageTest, FramesOfUnknownModulesAreNoAddresses) {
  TraceBytes bytes;
  bytes.AddStack({FrameIn(3, 0x1234), FrameIn(0, 0x5678)});
  const std::optional<Process> process = Parse(bytes.Bytes());
  ASSERT_TRUE(process);
  EXPECT_EQ(process->stacks.at(0).frames.at(0), (Frame{kNoIndex, 0}));
  EXPECT_EQ(process->stacks.at(0).frames.at(1), (Frame{kNoIndex, 0x5678}));
  EXPECT_THAT(process->damage, HasSubstr("1 frames"));
}

// A live slot is read while its thread writes it: what does not fit together there is no damage.
TEST(DamageTest, SlotsInMotionAreNoDamage) {
  SampleTrace sample = MakeSampleTrace();
  sample.bytes.Set(sample.main_slot, offsetof(SlotRecord, wait_object), sample.stack);
  sample.bytes.Set(sample.main_slot, offsetof(SlotRecord, held) + offsetof(HeldEntry, lock), Ref{3});
  sample.bytes.Set(sample.worker_slot, offsetof(SlotRecord, thread), sample.stack);
  const std::optional<Process> process = Parse(sample.bytes.Bytes());
  ASSERT_TRUE(process);
  EXPECT_EQ(process->damage, "");
  EXPECT_EQ(process->threads.at(0).wait.lock, kNoIndex);
  EXPECT_EQ(process->threads.at(0).held.at(0).lock, kNoIndex);
  EXPECT_FALSE(process->threads.at(1).live);
}

TEST(DamageTest, RecordsBehindADamagedOneAreFound) {
  constexpr RecordPrefix kBroken[] = {
      {static_cast<uint16_t>(Type::kSlot), 0, kCommitted},       // no length
      {static_cast<uint16_t>(Type::kSlot), 0xFFFF, kCommitted},  // longer than the file
      {0, 5, kCommitted},                                        // no type
      {static_cast<uint16_t>(Type::kSlot), 5, 0x1234},           // neither written nor being written
  };
  for (const RecordPrefix& broken : kBroken) {
    SampleTrace sample = MakeSampleTrace();
    // Its 900 bytes are full of small numbers that must not be taken for records.
    sample.bytes.Set(sample.worker_slot, 0, broken);
    const std::optional<Process> process = Parse(sample.bytes.Bytes());
    ASSERT_TRUE(process);
    EXPECT_TRUE(process->threads.at(0).live) << broken.units;
    EXPECT_FALSE(process->threads.at(1).live) << broken.units;
    EXPECT_EQ(process->damage, "1 unreadable places among its records");
  }
}

TEST(DamageTest, RecordsTooShortForTheirTypeAreDamage) {
  TraceBytes bytes;
  ThreadRecord thread{};
  for (uint16_t type = 1; type <= static_cast<uint16_t>(Type::kShared); ++type) {
    // One unit: enough for an empty stack, set or string, too little for the rest.
    bytes.Add(static_cast<Type>(type), thread, kRecordAlign);
  }
  bytes.AddThread(thread);
  const std::optional<Process> process = Parse(bytes.Bytes());
  ASSERT_TRUE(process);
  EXPECT_EQ(process->damage, "8 unreadable places among its records");
  EXPECT_THAT(process->threads, SizeIs(1));
  EXPECT_THAT(process->stacks, SizeIs(1));
}

TEST(DamageTest, UnknownEnumeratorsBecomeHarmlessOnes) {
  SampleTrace sample = MakeSampleTrace();
  sample.bytes.header.end = 77;
  sample.bytes.Set(sample.mutex, offsetof(LockRecord, kind), uint8_t{200});
  sample.bytes.Set(sample.worker, offsetof(ThreadRecord, state), uint32_t{200});
  sample.bytes.Set(sample.child, offsetof(ChildRecord, how), uint8_t{200});
  sample.bytes.Set(sample.dependency, offsetof(DependencyRecord, mode), uint8_t{200});
  const std::optional<Process> process = Parse(sample.bytes.Bytes());
  ASSERT_TRUE(process);
  EXPECT_EQ(process->end, End::kNone);
  EXPECT_FALSE(process->ended);
  EXPECT_THAT(process->damage, HasSubstr("unknown kind 77"));
  EXPECT_EQ(process->locks.at(0).kind, LockKind::kUnknown);
  EXPECT_EQ(process->threads.at(1).state, ThreadState::kRunning);
  EXPECT_EQ(process->children.at(0).how, ChildHow::kFork);
  EXPECT_EQ(process->dependencies.at(0).mode, Mode::kExclusive);
}

// A small file must not become a huge Process by naming one long record many times.
TEST(DamageTest, SharedRecordsDoNotMultiply) {
  TraceBytes bytes;
  const Ref set = bytes.AddHeldSet(0, std::vector<HeldEntry>(65'000));
  const Ref name = bytes.AddString(std::string(1'000'000, 'x'));
  ThreadRecord thread{};
  thread.create_held = set;
  thread.join_held = set;
  LockRecord lock{};
  lock.name = name;
  for (int i = 0; i < 5000; ++i) {
    bytes.AddLock(lock);
    SlotRecord slot{};
    slot.thread = bytes.AddThread(thread);
    slot.held_count = 65'000;
    slot.held_overflow = set;
    bytes.AddSlot(slot);
  }
  const std::string text = bytes.Bytes();
  const std::optional<Process> process = Parse(text);
  ASSERT_TRUE(process);
  EXPECT_LT(Checker(*process).Check(), text.size());
  EXPECT_THAT(process->damage, HasSubstr("too many held locks"));
  EXPECT_EQ(process->locks.at(4999).name, std::string(256, 'x'));
}

TEST(DamageTest, HeadersThatAreNone) {
  const std::string whole = MakeSampleTrace().bytes.Bytes();
  const auto why_not = [&whole](size_t offset, uint32_t value) {
    std::string bytes = whole;
    memcpy(bytes.data() + offset, &value, sizeof(value));
    std::string why;
    EXPECT_FALSE(ParseProcess(bytes, &why).has_value()) << offset;
    return why;
  };
  EXPECT_EQ(why_not(0, 0), "is not a trace");
  EXPECT_EQ(why_not(offsetof(FileHeader, version), 1),
            "has the trace version 1, not " + std::to_string(kLayoutVersion));
  EXPECT_EQ(why_not(offsetof(FileHeader, endian), 0x04030201),
            "was written on a machine of another byte order");
  EXPECT_EQ(why_not(offsetof(FileHeader, header_bytes), 8), "has a damaged header");
  EXPECT_EQ(why_not(offsetof(FileHeader, header_bytes), 0xFFFFFFFF), "has a damaged header");
}

TEST(DamageTest, ShorterHeadersOfOlderWritersAreCompletedWithZeros) {
  SampleTrace sample = MakeSampleTrace();
  sample.bytes.header.header_bytes = offsetof(FileHeader, command_bytes);
  const std::optional<Process> process = Parse(sample.bytes.Bytes());
  ASSERT_TRUE(process);
  EXPECT_EQ(process->executable, "/usr/bin/server");
  EXPECT_THAT(process->command, IsEmpty());
  EXPECT_EQ(process->damage, "");
}

}  // namespace
}  // namespace gordian::trace
