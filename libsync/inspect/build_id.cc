#include "libsync/inspect/build_id.h"

#include <elfutils/libdwelf.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstddef>

namespace gordian::inspect {

int OpenRegular(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  struct stat status {};
  if (fd >= 0 && (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode))) {
    close(fd);
    return -1;
  }
  return fd;
}

bool HasBuildId(Elf* elf, const std::string& build_id) {
  const void* bits = nullptr;
  const ssize_t bytes = dwelf_elf_gnu_build_id(elf, &bits);
  if (bytes <= 0 || build_id.size() != static_cast<size_t>(bytes) * 2) {
    return bytes <= 0 && build_id.empty();
  }
  const auto* id = static_cast<const unsigned char*>(bits);
  for (ssize_t i = 0; i < bytes; ++i) {
    const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
    const auto at = static_cast<size_t>(i) * 2;
    if (digit(build_id[at]) * 16 + digit(build_id[at + 1]) != id[i]) {
      return false;
    }
  }
  return true;
}

bool IsBuild(const std::string& path, const std::string& build_id) {
  const int fd = OpenRegular(path);
  if (fd < 0) {
    return false;
  }
  elf_version(EV_CURRENT);
  Elf* elf = elf_begin(fd, ELF_C_READ_MMAP, nullptr);
  const bool same = elf != nullptr && elf_kind(elf) == ELF_K_ELF && HasBuildId(elf, build_id);
  elf_end(elf);
  close(fd);
  return same;
}

}  // namespace gordian::inspect
