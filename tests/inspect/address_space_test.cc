#include "libsync/inspect/address_space.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <vector>

#include "libsync/inspect/libc_layout.h"
#include "libsync/inspect/memory.h"
#include "libsync/inspect/permission.h"

namespace gordian::inspect {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

TEST(ParseMapsTest, ReadsEveryField) {
  const std::vector<Mapping> mappings = ParseMaps(
      "55d0c0a00000-55d0c0a02000 r-xp 00001000 fe:03 1234                       /usr/bin/a b\n"
      "7ffc0000-7ffd0000 rw-s 00000000 00:00 0 \n");
  ASSERT_THAT(mappings, SizeIs(2));
  EXPECT_EQ(mappings[0].start, 0x55d0c0a00000U);
  EXPECT_EQ(mappings[0].end, 0x55d0c0a02000U);
  EXPECT_EQ(mappings[0].offset, 0x1000U);
  EXPECT_EQ(mappings[0].inode, 1234U);
  EXPECT_EQ(mappings[0].device, uint64_t{0xfe} << 32 | 3);
  EXPECT_TRUE(mappings[0].executable);
  EXPECT_FALSE(mappings[0].shared);
  EXPECT_EQ(mappings[0].path, "/usr/bin/a b");
  EXPECT_FALSE(mappings[1].executable);
  EXPECT_TRUE(mappings[1].shared);
  EXPECT_THAT(mappings[1].path, IsEmpty());
}

TEST(ParseMapsTest, LeavesOutWhatIsDamaged) {
  EXPECT_THAT(ParseMaps(""), IsEmpty());
  EXPECT_THAT(ParseMaps("rubbish\n1000\n1000-2000\n1000-2000 rw-p zz 00:00 0\n-\n"), IsEmpty());
  EXPECT_THAT(ParseMaps("1000-2000 rw-p 0 00 0\n1000-2000 r 0 00:00 0\n"), IsEmpty());
}

TEST(AddressSpaceTest, FindsTheModulesOfThisProcess) {
  const ProcessMemory memory(getpid());
  const std::optional<AddressSpace> space = ReadAddressSpace(getpid(), memory);
  ASSERT_TRUE(space);
  const auto here = reinterpret_cast<uint64_t>(&ParseMaps);
  const trace::Index own = space->ModuleAt(here);
  ASSERT_NE(own, trace::kNoIndex);
  EXPECT_THAT(space->modules[static_cast<size_t>(own)].path, EndsWith("inspect_address_space_test"));
  EXPECT_EQ(space->FrameAt(here).offset, here - space->modules[static_cast<size_t>(own)].start);
  const trace::Index libc = space->ModuleAt(reinterpret_cast<uint64_t>(&getpid));
  ASSERT_NE(libc, trace::kNoIndex);
  EXPECT_THAT(space->modules[static_cast<size_t>(libc)].build_id, Not(IsEmpty()));
  int on_the_stack = 0;
  EXPECT_EQ(space->ModuleAt(reinterpret_cast<uint64_t>(&on_the_stack)), trace::kNoIndex);
  EXPECT_NE(FindLayout(LibcMinorVersion(*space, memory)), nullptr);
}

TEST(MemoryTest, ReadsUpToTheFirstPageThatIsNotThere) {
  const ProcessMemory memory(getpid());
  const int value = 4711;
  EXPECT_EQ(memory.Get<int>(reinterpret_cast<uint64_t>(&value)), 4711);
  EXPECT_FALSE(memory.Get<int>(8));
  EXPECT_FALSE(ProcessMemory(1 << 30).Get<int>(reinterpret_cast<uint64_t>(&value)));
  const MemoryWindow window(&memory, reinterpret_cast<uint64_t>(&value), sizeof(value));
  EXPECT_FALSE(window.Word(8));
}

TEST(LibcLayoutTest, TheTableHoldsForTheLibcThatRunsHere) { EXPECT_EQ(TestLayout(), ""); }

TEST(LibcLayoutTest, WhatIsInNoRowIsNotGuessed) {
  EXPECT_EQ(FindLayout(0), nullptr);
  EXPECT_EQ(FindLayout(24), nullptr);
  EXPECT_EQ(FindLayout(99), nullptr);
  ASSERT_NE(FindLayout(36), nullptr);
  EXPECT_EQ(FindLayout(41)->condition_signals, kUnknownOffset);
}

TEST(PermissionTest, NamesWhatIsMissing) {
  EXPECT_EQ(ParseYamaScope("1\n"), 1);
  EXPECT_EQ(ParseYamaScope(""), 0);
  Access access{1000, 0, 0};
  EXPECT_THAT(WhyNotPermitted(access), HasSubstr("it belongs to user 0, and this is user 1000"));
  EXPECT_THAT(WhyNotPermitted(access), HasSubstr("CAP_SYS_PTRACE"));
  EXPECT_THAT(WhyNotPermitted(access), HasSubstr("docker run --pid=container:NAME --cap-add SYS_PTRACE"));
  access = {1000, 1000, 1};
  EXPECT_THAT(WhyNotPermitted(access), HasSubstr("kernel.yama.ptrace_scope is 1"));
  access.yama_scope = 2;
  EXPECT_THAT(WhyNotPermitted(access), HasSubstr("only root"));
  access.yama_scope = 3;
  EXPECT_THAT(WhyNotPermitted(access), HasSubstr("until the machine is started again"));
  EXPECT_THAT(WhyNotPermitted({0, 0, 0}), HasSubstr("protected"));
}

}  // namespace
}  // namespace gordian::inspect
