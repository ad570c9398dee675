#include "cli/elf_needed.h"

#include <elf.h>
#include <fcntl.h>
#include <unistd.h>

#include <cstring>
#include <optional>

namespace gordian::cli {
namespace {

constexpr size_t kMostEntries = 4096;

class File {
 public:
  explicit File(const std::string& path) : fd_(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
  ~File() {
    if (fd_ >= 0) {
      close(fd_);
    }
  }
  File(const File&) = delete;

  template <typename T>
  std::optional<T> Read(uint64_t offset) const {
    T value{};
    if (pread(fd_, &value, sizeof(value), static_cast<off_t>(offset)) != sizeof(value)) {
      return std::nullopt;
    }
    return value;
  }

  std::string ReadName(uint64_t offset) const {
    char name[256] = {};
    ssize_t n = pread(fd_, name, sizeof(name) - 1, static_cast<off_t>(offset));
    return n > 0 ? std::string(name) : "";
  }

 private:
  int fd_;
};

struct Segments {
  std::vector<Elf64_Phdr> load;
  std::optional<Elf64_Phdr> dynamic;
};

Segments ReadSegments(const File& file, const Elf64_Ehdr& header) {
  Segments segments;
  for (unsigned i = 0; i < header.e_phnum && i < kMostEntries; ++i) {
    auto segment = file.Read<Elf64_Phdr>(header.e_phoff + i * sizeof(Elf64_Phdr));
    if (!segment.has_value()) {
      break;
    }
    if (segment->p_type == PT_LOAD) {
      segments.load.push_back(*segment);
    }
    if (segment->p_type == PT_DYNAMIC) {
      segments.dynamic = segment;
    }
  }
  return segments;
}

// Where in the file the memory at `address` comes from; 0: nowhere.
uint64_t FileOffset(const Segments& segments, uint64_t address) {
  for (const Elf64_Phdr& load : segments.load) {
    if (address >= load.p_vaddr && address - load.p_vaddr < load.p_filesz) {
      return address - load.p_vaddr + load.p_offset;
    }
  }
  return 0;
}

}  // namespace

std::vector<std::string> ElfNeeded(const std::string& path) {
  File file(path);
  auto header = file.Read<Elf64_Ehdr>(0);
  if (!header.has_value() || std::memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 ||
      header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_phentsize != sizeof(Elf64_Phdr)) {
    return {};
  }
  Segments segments = ReadSegments(file, *header);
  if (!segments.dynamic.has_value()) {
    return {};
  }
  std::vector<uint64_t> offsets;
  uint64_t strings = 0;
  for (size_t i = 0; i < kMostEntries; ++i) {
    auto entry = file.Read<Elf64_Dyn>(segments.dynamic->p_offset + i * sizeof(Elf64_Dyn));
    if (!entry.has_value() || entry->d_tag == DT_NULL) {
      break;
    }
    if (entry->d_tag == DT_NEEDED) {
      offsets.push_back(entry->d_un.d_val);
    }
    if (entry->d_tag == DT_STRTAB) {
      strings = FileOffset(segments, entry->d_un.d_ptr);
    }
  }
  std::vector<std::string> names;
  for (uint64_t offset : offsets) {
    if (strings != 0) {
      names.push_back(file.ReadName(strings + offset));
    }
  }
  return names;
}

}  // namespace gordian::cli
