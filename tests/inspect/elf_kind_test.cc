#include "libsync/inspect/elf_kind.h"

#include <elf.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "tests/support/temp_dir.h"

namespace gordian::inspect {
namespace {

constexpr uid_t kSomeUser = 12345;
constexpr gid_t kSomeGroup = 12345;

class ElfKindTest : public ::testing::Test {
 protected:
  std::string Write(const std::string& name, std::string_view bytes, mode_t mode = 0755) {
    const std::string path = directory_ / name;
    std::ofstream(path, std::ios::binary) << bytes;
    EXPECT_EQ(chmod(path.c_str(), mode), 0);
    return path;
  }
  ExecutableKind KindOfBytes(std::string_view bytes) { return Classify(Write("file", bytes)).kind; }

  TempDir directory_;
};

// The headers of a 64-bit program; without a loader it is a static one.
struct Program {
  Elf64_Ehdr elf{};
  std::string loader;

  Program() {
    memcpy(elf.e_ident, ELFMAG, SELFMAG);
    elf.e_ident[EI_CLASS] = ELFCLASS64;
    elf.e_ident[EI_DATA] = ELFDATA2LSB;
    elf.e_type = ET_DYN;
    elf.e_machine = EM_X86_64;
    elf.e_phoff = sizeof(elf);
    elf.e_phentsize = sizeof(Elf64_Phdr);
    elf.e_phnum = 2;
  }

  std::string Bytes() const {
    Elf64_Phdr headers[2] = {};
    headers[0].p_type = PT_LOAD;
    headers[1].p_type = loader.empty() ? PT_NOTE : PT_INTERP;
    headers[1].p_offset = sizeof(elf) + sizeof(headers);
    headers[1].p_filesz = loader.size() + 1;
    std::string bytes(reinterpret_cast<const char*>(&elf), sizeof(elf));
    bytes.append(reinterpret_cast<const char*>(headers), sizeof(headers));
    bytes.append(loader.c_str(), loader.size() + 1);
    return bytes;
  }
};

std::string ProgramFor(const std::string& loader) {
  Program program;
  program.loader = loader;
  return program.Bytes();
}

constexpr char kGlibcLoader[] = "/lib64/ld-linux-x86-64.so.2";

TEST_F(ElfKindTest, RealPrograms) {
  for (const char* path : {"/proc/self/exe", "/bin/true", "/bin/sh"}) {
    const Executable executable = Classify(path);
    EXPECT_EQ(executable.kind, ExecutableKind::kDynamicGlibc) << path;
    EXPECT_EQ(WhyUnseen(executable, getuid(), getgid()), "") << path;
  }
}

TEST_F(ElfKindTest, ByLoader) {
  EXPECT_EQ(KindOfBytes(ProgramFor(kGlibcLoader)), ExecutableKind::kDynamicGlibc);
  EXPECT_EQ(KindOfBytes(ProgramFor("/opt/glibc/lib/ld-linux-x86-64.so.2")), ExecutableKind::kDynamicGlibc);
  EXPECT_EQ(KindOfBytes(ProgramFor("/lib/ld-musl-x86_64.so.1")), ExecutableKind::kMusl);
  EXPECT_EQ(KindOfBytes(ProgramFor("")), ExecutableKind::kStatic);
}

// "/lib64/ld-linux-x86-64.so.2 ./program" preloads into the program, though the loader has no loader.
TEST_F(ElfKindTest, LoadersCalledByHand) {
  EXPECT_EQ(Classify(Write("ld-linux-x86-64.so.2", ProgramFor(""))).kind, ExecutableKind::kDynamicGlibc);
  EXPECT_EQ(Classify(Write("ld-musl-x86_64.so.1", ProgramFor(""))).kind, ExecutableKind::kMusl);
}

TEST_F(ElfKindTest, OtherMachines) {
  Program program;
  program.loader = "/lib/ld-linux-aarch64.so.1";
  program.elf.e_machine = EM_AARCH64;
  EXPECT_EQ(KindOfBytes(program.Bytes()), ExecutableKind::kOtherMachine);
  program.elf.e_machine = EM_X86_64;
  program.elf.e_ident[EI_DATA] = ELFDATA2MSB;
  EXPECT_EQ(KindOfBytes(program.Bytes()), ExecutableKind::kOtherMachine);
  program.elf.e_ident[EI_CLASS] = ELFCLASS32;
  EXPECT_EQ(KindOfBytes(program.Bytes()), ExecutableKind::k32Bit);
}

TEST_F(ElfKindTest, WhatIsNoProgram) {
  EXPECT_EQ(KindOfBytes(""), ExecutableKind::kNotElf);
  EXPECT_EQ(KindOfBytes("hello"), ExecutableKind::kNotElf);
  EXPECT_EQ(KindOfBytes("\x7F"
                        "ELF"),
            ExecutableKind::kNotElf);
  Program object;
  object.elf.e_type = ET_REL;
  EXPECT_EQ(KindOfBytes(object.Bytes()), ExecutableKind::kNotElf);
  EXPECT_EQ(Classify(directory_ / "none").kind, ExecutableKind::kUnreadable);
  EXPECT_EQ(Classify(directory_.path()).kind, ExecutableKind::kUnreadable);
  ASSERT_EQ(mkfifo((directory_ / "fifo").c_str(), 0700), 0);
  EXPECT_EQ(Classify(directory_ / "fifo").kind, ExecutableKind::kUnreadable);
}

TEST_F(ElfKindTest, EveryPrefixAndHostileHeaders) {
  const std::string whole = ProgramFor(kGlibcLoader);
  for (size_t length = 0; length <= whole.size(); ++length) {
    const ExecutableKind kind = KindOfBytes(whole.substr(0, length));
    if (length < sizeof(Elf64_Ehdr)) {
      EXPECT_EQ(kind, ExecutableKind::kNotElf) << length;
    }
  }
  Program program;
  program.loader = kGlibcLoader;
  program.elf.e_phoff = 0xFFFFFFFFFFFFFFFF;
  EXPECT_EQ(KindOfBytes(program.Bytes()), ExecutableKind::kStatic);
  program.elf.e_phoff = sizeof(Elf64_Ehdr);
  program.elf.e_phnum = 0xFFFF;
  EXPECT_EQ(KindOfBytes(program.Bytes()), ExecutableKind::kStatic);
  program.elf.e_phnum = 2;
  program.elf.e_phentsize = 1;
  EXPECT_EQ(KindOfBytes(program.Bytes()), ExecutableKind::kStatic);
}

TEST_F(ElfKindTest, Scripts) {
  const std::string musl = Write("musl", ProgramFor("/lib/ld-musl-x86_64.so.1"));
  const std::string first_lines[] = {"#!" + musl, "#!" + musl + "\n", "#! \t" + musl + " -x\necho",
                                     "#!" + musl + "\t-y"};
  for (const std::string& line : first_lines) {
    const Executable script = Classify(Write("script", line));
    EXPECT_EQ(script.kind, ExecutableKind::kScript) << line;
    EXPECT_EQ(script.interpreter, musl) << line;
    EXPECT_EQ(script.interpreter_kind, ExecutableKind::kMusl) << line;
    EXPECT_EQ(WhyUnseen(script, getuid(), getgid()),
              "a script whose interpreter " + musl + " is linked with musl");
  }
  const Executable shell = Classify(Write("script", "#!/bin/sh\n"));
  EXPECT_EQ(shell.interpreter_kind, ExecutableKind::kDynamicGlibc);
  EXPECT_EQ(WhyUnseen(shell, getuid(), getgid()), "");
}

TEST_F(ElfKindTest, ScriptsOfScriptsAndOfNothing) {
  const std::string inner = Write("inner", "#!/bin/sh\n");
  EXPECT_EQ(Classify(Write("outer", "#!" + inner + "\n")).interpreter_kind, ExecutableKind::kScript);
  const std::string own = directory_ / "own";
  EXPECT_EQ(Classify(Write("own", "#!" + own + "\n")).interpreter_kind, ExecutableKind::kScript);
  EXPECT_EQ(Classify(Write("lost", "#!/none/at/all\n")).interpreter_kind, ExecutableKind::kUnreadable);
  const Executable empty = Classify(Write("empty", "#!\n"));
  EXPECT_EQ(empty.interpreter, "");
  EXPECT_EQ(empty.interpreter_kind, ExecutableKind::kUnreadable);
}

TEST_F(ElfKindTest, SetuidAndSetgidCountForWhoGainsByThem) {
  const Executable setuid = Classify(Write("setuid", ProgramFor(kGlibcLoader), 04755));
  EXPECT_TRUE(setuid.setuid);
  EXPECT_FALSE(setuid.setgid);
  EXPECT_EQ(setuid.owner, geteuid());
  EXPECT_EQ(WhyUnseen(setuid, kSomeUser, setuid.group), "setuid");
  EXPECT_EQ(WhyUnseen(setuid, setuid.owner, kSomeGroup), "");

  const Executable setgid = Classify(Write("setgid", ProgramFor(kGlibcLoader), 02755));
  EXPECT_TRUE(setgid.setgid);
  EXPECT_EQ(WhyUnseen(setgid, kSomeUser, kSomeGroup), "setgid");
  EXPECT_EQ(WhyUnseen(setgid, kSomeUser, setgid.group), "");
  EXPECT_FALSE(Classify(Write("locking", ProgramFor(kGlibcLoader), 02745)).setgid);

  // The kernel ignores a script's own bits, not those of its interpreter.
  EXPECT_FALSE(Classify(Write("script", "#!/bin/sh\n", 04755)).setuid);
  const Executable script = Classify(Write("script2", "#!" + (directory_ / "setuid") + "\n"));
  EXPECT_TRUE(script.setuid);
  EXPECT_EQ(WhyUnseen(script, kSomeUser, 0),
            "a script whose interpreter " + (directory_ / "setuid") + " is setuid");
}

TEST_F(ElfKindTest, FileCapabilities) {
  const std::string path = Write("ping", ProgramFor(kGlibcLoader));
  // cap_net_raw+ep, revision 2.
  constexpr uint32_t kValue[5] = {0x02000001, 1u << 13, 0, 0, 0};
  const bool set = setxattr(path.c_str(), "security.capability", kValue, sizeof(kValue), 0) == 0;
  // Only who may grant capabilities, on a file system that can keep them, sees the first half of this test.
  EXPECT_TRUE(set || errno == EPERM || errno == ENOTSUP) << strerror(errno);
  const Executable executable = Classify(path);
  EXPECT_EQ(executable.file_capabilities, set);
  EXPECT_EQ(WhyUnseen(executable, kSomeUser, kSomeGroup), set ? "privileged by file capabilities" : "");
  EXPECT_EQ(WhyUnseen(executable, 0, 0), "") << "root gains nothing";
}

TEST(WhyUnseenTest, EveryKind) {
  const auto why = [](ExecutableKind kind) {
    Executable executable;
    executable.kind = kind;
    return WhyUnseen(executable, kSomeUser, kSomeGroup);
  };
  EXPECT_EQ(why(ExecutableKind::kDynamicGlibc), "");
  EXPECT_EQ(why(ExecutableKind::kStatic), "statically linked");
  EXPECT_EQ(why(ExecutableKind::kMusl), "linked with musl");
  EXPECT_EQ(why(ExecutableKind::k32Bit), "32-bit");
  EXPECT_EQ(why(ExecutableKind::kOtherMachine), "built for another processor");
  EXPECT_EQ(why(ExecutableKind::kNotElf), "not an ELF program");
  EXPECT_EQ(why(ExecutableKind::kUnreadable), "not readable");
}

}  // namespace
}  // namespace gordian::inspect
