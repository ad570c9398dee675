// Trace files: who may be read, what a growing or sparse file gives, the slots alone.
#include "libsync/trace/reader.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/temp_dir.h"
#include "tests/trace/sample_trace.h"

namespace gordian::trace {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class ReaderTest : public ::testing::Test {
 protected:
  std::string Write(const std::string& name, const TraceBytes& bytes) {
    EXPECT_TRUE(bytes.WriteTo(directory_ / name));
    return directory_ / name;
  }
  std::string WhyNoHeader(const std::string& path) {
    std::string why;
    EXPECT_FALSE(ReadHeader(path, &why).has_value()) << path;
    std::string again;
    EXPECT_FALSE(ReadProcess(path, &again).has_value()) << path;
    EXPECT_EQ(why, again);
    return why;
  }

  TempDir directory_;
};

TEST_F(ReaderTest, HeaderAndProcess) {
  const std::string path = Write("a.trace", MakeSampleTrace().bytes);
  std::string why;
  const std::optional<FileHeader> header = ReadHeader(path, &why);
  ASSERT_TRUE(header) << why;
  EXPECT_EQ(header->pid, 4242);
  EXPECT_EQ(header->used, std::filesystem::file_size(path));
  const std::optional<Process> process = ReadProcess(path, &why);
  ASSERT_TRUE(process) << why;
  EXPECT_EQ(process->trace_file, path);
  EXPECT_EQ(process->damage, "");
  EXPECT_THAT(process->threads, SizeIs(2));
  EXPECT_THAT(process->dependencies, SizeIs(1));
}

TEST_F(ReaderTest, WhatIsBehindUsedIsNotRead) {
  SampleTrace sample = MakeSampleTrace();
  std::string bytes = sample.bytes.Bytes();
  const uint64_t used = uint64_t{sample.worker_slot} * kRecordAlign;
  memcpy(bytes.data() + offsetof(FileHeader, used), &used, sizeof(used));
  ASSERT_TRUE(TraceBytes::WriteTo(directory_ / "a.trace", bytes));
  std::string why;
  const std::optional<Process> process = ReadProcess(directory_ / "a.trace", &why);
  ASSERT_TRUE(process) << why;
  EXPECT_EQ(process->damage, "");
  EXPECT_FALSE(process->threads.at(0).live);
}

// The recorder sets the length of its file once, far beyond what it uses.
TEST_F(ReaderTest, SparseFiles) {
  const std::string path = Write("a.trace", MakeSampleTrace().bytes);
  ASSERT_EQ(truncate(path.c_str(), off_t{4} << 30), 0);
  std::string why;
  const std::optional<Process> process = ReadProcess(path, &why);
  ASSERT_TRUE(process) << why;
  EXPECT_EQ(process->damage, "");
  EXPECT_THAT(process->threads, SizeIs(2));
}

TEST_F(ReaderTest, HolesThatClaimToBeInUse) {
  std::string bytes = MakeSampleTrace().bytes.Bytes();
  const uint64_t used = uint64_t{256} << 20;
  memcpy(bytes.data() + offsetof(FileHeader, used), &used, sizeof(used));
  const std::string path = directory_ / "a.trace";
  ASSERT_TRUE(TraceBytes::WriteTo(path, bytes));
  ASSERT_EQ(truncate(path.c_str(), used), 0);
  std::string why;
  const std::optional<Process> process = ReadProcess(path, &why);
  ASSERT_TRUE(process) << why;
  EXPECT_EQ(process->damage, "");
  EXPECT_THAT(process->threads, SizeIs(2));
}

TEST_F(ReaderTest, SymbolicLinksAreRefused) {
  Write("a.trace", MakeSampleTrace().bytes);
  ASSERT_EQ(symlink("a.trace", (directory_ / "b.trace").c_str()), 0);
  EXPECT_EQ(WhyNoHeader(directory_ / "b.trace"), "is a symbolic link");
}

TEST_F(ReaderTest, WhatIsNoFileIsRefused) {
  ASSERT_EQ(mkfifo((directory_ / "fifo.trace").c_str(), 0600), 0);
  EXPECT_EQ(WhyNoHeader(directory_ / "fifo.trace"), "is not a regular file");
  EXPECT_EQ(WhyNoHeader(directory_.path()), "is not a regular file");
  EXPECT_THAT(WhyNoHeader(directory_ / "none.trace"), HasSubstr("No such file"));
}

TEST_F(ReaderTest, WhatIsNoTraceIsRefused) {
  ASSERT_TRUE(TraceBytes::WriteTo(directory_ / "empty.trace", ""));
  EXPECT_EQ(WhyNoHeader(directory_ / "empty.trace"), "is too short to be a trace");
  ASSERT_TRUE(TraceBytes::WriteTo(directory_ / "text.trace", std::string(9000, 'x')));
  EXPECT_EQ(WhyNoHeader(directory_ / "text.trace"), "is not a trace");
}

TEST_F(ReaderTest, ForeignOwnersAreRefused) {
  std::string path = "/etc/passwd";
  if (geteuid() == 0) {
    path = Write("a.trace", MakeSampleTrace().bytes);
    ASSERT_EQ(chown(path.c_str(), 65534, 65534), 0);
    std::string why;
    EXPECT_TRUE(ReadHeader(path, &why, /*any_owner=*/true).has_value()) << why;
    EXPECT_TRUE(ReadProcess(path, &why, /*any_owner=*/true).has_value()) << why;
  }
  EXPECT_THAT(WhyNoHeader(path), HasSubstr("belongs to another user"));
}

TEST_F(ReaderTest, ListTraces) {
  for (const char* name : {"b.trace", "a.trace", "run.json", "c.trace.tmp", ".trace"}) {
    ASSERT_TRUE(TraceBytes::WriteTo(directory_ / name, ""));
  }
  ASSERT_EQ(symlink("a.trace", (directory_ / "link.trace").c_str()), 0);
  ASSERT_EQ(mkdir((directory_ / "folder.trace").c_str(), 0700), 0);
  EXPECT_THAT(ListTraces(directory_.path()),
              ElementsAre(directory_ / ".trace", directory_ / "a.trace", directory_ / "b.trace"));
  EXPECT_THAT(ListTraces(directory_ / "none"), IsEmpty());
}

TEST_F(ReaderTest, ListLost) {
  for (const char* name : {"6e1f0a2c-17-5-0.trace.lost-space", "6e1f0a2c-18-5-0.lost-limit",
                           "odd.lost-denied", "6e1f0a2c-19-5-0.trace", "x.lost-else"}) {
    ASSERT_TRUE(TraceBytes::WriteTo(directory_ / name, ""));
  }
  EXPECT_THAT(
      ListLost(directory_.path()),
      ElementsAre(
          "Process 17 could not be recorded: no space was left for its trace.",
          "Process 18 could not be recorded: its resource limits left no room for a trace.",
          "Process \"odd.lost-denied\" could not be recorded: it was not allowed to create a trace."));
}

class SlotsTest : public ReaderTest {
 protected:
  std::vector<SlotSnapshot> Slots(const TraceBytes& bytes) {
    const std::string path = Write("a.trace", bytes);
    std::string why;
    const std::optional<FileHeader> header = ReadHeader(path, &why);
    EXPECT_TRUE(header) << why;
    return header ? ReadSlots(path, *header) : std::vector<SlotSnapshot>{};
  }

  SampleTrace sample_ = MakeSampleTrace();
};

TEST_F(SlotsTest, InTheOrderOfTheList) {
  const std::vector<SlotSnapshot> slots = Slots(sample_.bytes);
  ASSERT_THAT(slots, SizeIs(2));
  EXPECT_EQ(slots[0].slot.thread, sample_.main_thread);
  EXPECT_THAT(slots[0].held, SizeIs(1));
  EXPECT_EQ(slots[1].slot.thread, sample_.worker);
  ASSERT_THAT(slots[1].held, SizeIs(2)) << "from the overflow";
  EXPECT_EQ(slots[1].held[1].lock, sample_.rwlock);
}

TEST_F(SlotsTest, SameUntilAnythingMoves) {
  const SlotSnapshot before = Slots(sample_.bytes).at(0);
  EXPECT_TRUE(before.SameAs(Slots(sample_.bytes).at(0)));
  const size_t words[] = {
      offsetof(SlotRecord, tid),          offsetof(SlotRecord, segment),
      offsetof(SlotRecord, wait_object),  offsetof(SlotRecord, wait_object2),
      offsetof(SlotRecord, wait_stack),   offsetof(SlotRecord, wait_value),
      offsetof(SlotRecord, wait_address), offsetof(SlotRecord, acquisitions),
      offsetof(SlotRecord, wait_kind),    offsetof(SlotRecord, held),
      offsetof(SlotRecord, held_count),
  };
  for (const size_t offset : words) {
    SampleTrace moved = MakeSampleTrace();
    moved.bytes.Set(moved.main_slot, offset, uint32_t{0x0A0B0C0D});
    EXPECT_FALSE(before.SameAs(Slots(moved.bytes).at(0))) << offset;
  }
}

TEST_F(SlotsTest, OverflowThatMoves) {
  const SlotSnapshot before = Slots(sample_.bytes).at(1);
  sample_.bytes.Set(sample_.held_set, offsetof(HeldSetRecord, held) + offsetof(HeldEntry, acquisition),
                    uint32_t{1000});
  EXPECT_FALSE(before.SameAs(Slots(sample_.bytes).at(1)));
}

TEST_F(SlotsTest, FreeAndUnwrittenSlotsAreLeftOut) {
  sample_.bytes.Set(sample_.main_slot, offsetof(SlotRecord, thread), Ref{0});
  EXPECT_THAT(Slots(sample_.bytes), SizeIs(1));
  sample_.bytes.Set(sample_.worker_slot, offsetof(RecordPrefix, committed), uint32_t{0});
  EXPECT_THAT(Slots(sample_.bytes), IsEmpty());
}

TEST_F(SlotsTest, DamagedListsEnd) {
  sample_.bytes.Set(sample_.worker_slot, offsetof(SlotRecord, next), sample_.main_slot);
  EXPECT_LE(Slots(sample_.bytes).size(), sample_.bytes.Bytes().size() / sizeof(SlotRecord));
  for (const Ref wrong : {sample_.stack, Ref{0xFFFFFFFF}, Ref{1}}) {
    sample_.bytes.Set(sample_.main_slot, offsetof(SlotRecord, next), wrong);
    EXPECT_THAT(Slots(sample_.bytes), SizeIs(1)) << wrong;
  }
  sample_.bytes.Set(sample_.worker_slot, offsetof(SlotRecord, held_overflow), Ref{0xFFFFFFF0});
  sample_.bytes.header.first_slot = sample_.worker_slot;
  EXPECT_THAT(Slots(sample_.bytes).at(0).held, IsEmpty());
}

TEST_F(SlotsTest, AnotherFileOfTheSameNameGivesNothing) {
  const std::string path = Write("a.trace", sample_.bytes);
  std::string why;
  std::optional<FileHeader> header = ReadHeader(path, &why);
  ASSERT_TRUE(header) << why;
  ++header->nonce;
  EXPECT_THAT(ReadSlots(path, *header), IsEmpty());
}

}  // namespace
}  // namespace gordian::trace
