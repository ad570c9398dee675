#include "libsync/inspect/elf_kind.h"

#include <elf.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <string_view>
#include <vector>

namespace gordian::inspect {
namespace {

// The kernel looks no further for the interpreter of a script.
constexpr size_t kScriptLine = 256;
constexpr size_t kMaxInterpreterPath = 4096;

class File {
 public:
  explicit File(const std::string& path)
      : fd_(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (fd_ >= 0) {
      close(fd_);
    }
  }

  bool IsRegular() const {
    struct stat status;
    return fd_ >= 0 && fstat(fd_, &status) == 0 && S_ISREG(status.st_mode);
  }

  // Empty when there is less than that.
  std::string Read(uint64_t offset, size_t bytes) const {
    std::string text = ReadUpTo(offset, bytes);
    return text.size() == bytes ? text : "";
  }

  std::string ReadUpTo(uint64_t offset, size_t bytes) const {
    std::string text(bytes, '\0');
    const ssize_t got = pread(fd_, text.data(), bytes, static_cast<off_t>(offset));
    text.resize(got > 0 ? static_cast<size_t>(got) : 0);
    return text;
  }

 private:
  int fd_;
};

std::string_view FileName(std::string_view path) { return path.substr(path.rfind('/') + 1); }

ExecutableKind KindOfLoader(std::string_view loader) {
  return FileName(loader).starts_with("ld-musl") ? ExecutableKind::kMusl : ExecutableKind::kDynamicGlibc;
}

// The contents of PT_INTERP; nullopt when there is none, or none that can be read.
std::optional<std::string> LoaderOf(const File& file, const Elf64_Ehdr& elf) {
  if (elf.e_phentsize != sizeof(Elf64_Phdr)) {
    return std::nullopt;
  }
  const std::string table = file.Read(elf.e_phoff, size_t{elf.e_phnum} * sizeof(Elf64_Phdr));
  for (size_t at = 0; at < table.size(); at += sizeof(Elf64_Phdr)) {
    Elf64_Phdr header;
    memcpy(&header, table.data() + at, sizeof(header));
    if (header.p_type == PT_INTERP) {
      const size_t bytes = std::min<size_t>(header.p_filesz, kMaxInterpreterPath);
      const std::string path = file.ReadUpTo(header.p_offset, bytes);
      return path.substr(0, path.find('\0'));
    }
  }
  return std::nullopt;
}

ExecutableKind KindOfElf(const File& file, const std::string& path) {
  Elf64_Ehdr elf;
  const std::string bytes = file.Read(0, sizeof(elf));
  const std::string ident = file.Read(0, EI_NIDENT);
  if (ident.empty()) {
    return ExecutableKind::kNotElf;
  }
  if (ident[EI_CLASS] == ELFCLASS32) {
    return ExecutableKind::k32Bit;
  }
  if (ident[EI_CLASS] != ELFCLASS64 || bytes.empty()) {
    return ExecutableKind::kNotElf;
  }
  memcpy(&elf, bytes.data(), sizeof(elf));
  if (ident[EI_DATA] != ELFDATA2LSB || elf.e_machine != EM_X86_64) {
    return ExecutableKind::kOtherMachine;
  }
  if (elf.e_type != ET_EXEC && elf.e_type != ET_DYN) {
    return ExecutableKind::kNotElf;
  }
  if (const std::optional<std::string> loader = LoaderOf(file, elf)) {
    return KindOfLoader(*loader);
  }
  // A loader may be called as a command itself, with the program as its argument.
  return FileName(path).starts_with("ld-") ? KindOfLoader(path) : ExecutableKind::kStatic;
}

// The interpreter as the kernel reads it: the first word behind "#!".
std::string InterpreterOf(std::string_view line) {
  line.remove_prefix(2);
  line = line.substr(0, line.find('\n'));
  line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
  return std::string(line.substr(0, std::min(line.find_first_of(std::string_view(" \t\0", 3)), line.size())));
}

void AddPrivileges(const std::string& path, Executable* executable) {
  struct stat status;
  if (stat(path.c_str(), &status) != 0) {
    return;
  }
  executable->setuid = (status.st_mode & S_ISUID) != 0;
  // Without the execute bit of the group it means mandatory locking.
  executable->setgid = (status.st_mode & S_ISGID) != 0 && (status.st_mode & S_IXGRP) != 0;
  executable->owner = status.st_uid;
  executable->group = status.st_gid;
  executable->file_capabilities = getxattr(path.c_str(), "security.capability", nullptr, 0) > 0;
}

// Without following scripts.
ExecutableKind KindOf(const std::string& path, std::string* interpreter) {
  const File file(path);
  if (!file.IsRegular()) {
    return ExecutableKind::kUnreadable;
  }
  const std::string start = file.ReadUpTo(0, kScriptLine);
  if (start.starts_with("#!")) {
    *interpreter = InterpreterOf(start);
    return ExecutableKind::kScript;
  }
  return start.starts_with(std::string_view(ELFMAG, SELFMAG)) ? KindOfElf(file, path)
                                                              : ExecutableKind::kNotElf;
}

const char* WhyKindUnseen(ExecutableKind kind) {
  switch (kind) {
    case ExecutableKind::kStatic:
      return "statically linked";
    case ExecutableKind::kMusl:
      return "linked with musl";
    case ExecutableKind::k32Bit:
      return "32-bit";
    case ExecutableKind::kOtherMachine:
      return "built for another processor";
    case ExecutableKind::kNotElf:
      return "not an ELF program";
    case ExecutableKind::kUnreadable:
      return "not readable";
    case ExecutableKind::kDynamicGlibc:
    case ExecutableKind::kScript:
      break;
  }
  return "";
}

}  // namespace

Executable Classify(const std::string& path) {
  Executable executable;
  executable.kind = KindOf(path, &executable.interpreter);
  if (executable.kind != ExecutableKind::kScript) {
    AddPrivileges(path, &executable);
    return executable;
  }
  std::string ignored;
  executable.interpreter_kind = KindOf(executable.interpreter, &ignored);
  AddPrivileges(executable.interpreter, &executable);
  return executable;
}

// The loader ignores LD_PRELOAD for a program that gains rights by being executed. Who has them already gains
// none: root runs setuid-root programs and those with capabilities like any other.
std::string WhyUnseen(const Executable& executable, uid_t uid, gid_t gid) {
  const bool script = executable.kind == ExecutableKind::kScript;
  std::string why = WhyKindUnseen(script ? executable.interpreter_kind : executable.kind);
  if (executable.setuid && executable.owner != uid) {
    why = "setuid";
  } else if (executable.setgid && executable.group != gid) {
    why = "setgid";
  } else if (executable.file_capabilities && uid != 0) {
    why = "privileged by file capabilities";
  }
  return script && !why.empty() ? "a script whose interpreter " + executable.interpreter + " is " + why : why;
}

}  // namespace gordian::inspect
