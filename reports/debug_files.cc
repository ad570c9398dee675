#include "reports/debug_files.h"

#include <elfutils/libdwelf.h>
#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <string_view>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace gordian::report {
namespace {

std::string DirectoryOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

constexpr std::array<uint32_t, 256> CrcTable() {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < table.size(); ++i) {
    uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) {
      value = (value & 1) != 0 ? 0xEDB88320U ^ (value >> 1) : value >> 1;
    }
    table[i] = value;
  }
  return table;
}

// The CRC-32 of a whole file, as .gnu_debuglink holds it.
std::optional<uint32_t> FileCrc(const std::string& path) {
  static constexpr std::array<uint32_t, 256> table = CrcTable();
  const int fd = OpenRegularFile(path);
  if (fd < 0) {
    return std::nullopt;
  }
  uint32_t crc = ~0U;
  std::array<unsigned char, 1 << 16> buffer;
  ssize_t bytes = 0;
  while ((bytes = read(fd, buffer.data(), buffer.size())) > 0) {
    for (ssize_t i = 0; i < bytes; ++i) {
      crc = table[(crc ^ buffer[i]) & 0xFF] ^ (crc >> 8);
    }
  }
  close(fd);
  return bytes < 0 ? std::nullopt : std::optional<uint32_t>(~crc);
}

bool HasSection(const std::string& path, std::string_view name) {
  const int fd = OpenRegularFile(path);
  if (fd < 0) {
    return false;
  }
  elf_version(EV_CURRENT);
  Elf* elf = elf_begin(fd, ELF_C_READ_MMAP, nullptr);
  size_t names = 0;
  bool found = false;
  if (elf != nullptr && elf_kind(elf) == ELF_K_ELF && elf_getshdrstrndx(elf, &names) == 0) {
    for (Elf_Scn* section = elf_nextscn(elf, nullptr); section != nullptr && !found;
         section = elf_nextscn(elf, section)) {
      GElf_Shdr header;
      const char* text =
          gelf_getshdr(section, &header) == nullptr ? nullptr : elf_strptr(elf, names, header.sh_name);
      found = text != nullptr && name == text;
    }
  }
  elf_end(elf);
  close(fd);
  return found;
}

}  // namespace

int OpenRegularFile(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) {
    return -1;
  }
  struct stat status {};
  if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
    close(fd);
    return -1;
  }
  return fd;
}

std::optional<std::string> BuildIdOfFile(const std::string& path) {
  const int fd = OpenRegularFile(path);
  if (fd < 0) {
    return std::nullopt;
  }
  elf_version(EV_CURRENT);
  Elf* elf = elf_begin(fd, ELF_C_READ_MMAP, nullptr);
  std::optional<std::string> id;
  if (elf != nullptr && elf_kind(elf) == ELF_K_ELF) {
    const void* bits = nullptr;
    const ssize_t bytes = dwelf_elf_gnu_build_id(elf, &bits);
    id = bytes > 0 ? absl::BytesToHexString({static_cast<const char*>(bits), static_cast<size_t>(bytes)})
                   : std::string();
  }
  elf_end(elf);
  close(fd);
  return id;
}

std::string DebugFileByBuildId(const std::string& build_id, const std::vector<std::string>& directories) {
  if (build_id.size() < 4) {
    return "";
  }
  for (const std::string& directory : directories) {
    std::string path =
        absl::StrCat(directory, "/.build-id/", build_id.substr(0, 2), "/", build_id.substr(2), ".debug");
    if (BuildIdOfFile(path) == build_id) {
      return path;
    }
  }
  return "";
}

bool HasDebugInformation(const std::string& path, const std::vector<std::string>& directories) {
  return HasSection(path, ".debug_info") ||
         !DebugFileByBuildId(BuildIdOfFile(path).value_or(""), directories).empty();
}

std::string DebugFileByLink(const std::string& path, const std::string& link, uint32_t crc,
                            const std::vector<std::string>& directories) {
  if (link.empty()) {
    return "";
  }
  const std::string folder = DirectoryOf(path);
  std::vector<std::string> candidates = {absl::StrCat(folder, "/", link),
                                         absl::StrCat(folder, "/.debug/", link)};
  for (const std::string& directory : directories) {
    candidates.push_back(absl::StrCat(directory, folder, "/", link));
  }
  for (std::string& candidate : candidates) {
    if (candidate != path && FileCrc(candidate) == crc) {
      return std::move(candidate);
    }
  }
  return "";
}

}  // namespace gordian::report
