#include "libsync/inspect/address_space.h"

#include <elf.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "libsync/inspect/proc.h"
#include "libsync/inspect/words.h"

namespace gordian::inspect {
namespace {

constexpr uint64_t kPageMask = 4095;
// A damaged header must not make this read the whole memory.
constexpr size_t kMostHeaders = 256;
constexpr size_t kMostNoteBytes = size_t{1} << 16;

std::string Hex(const uint8_t* bytes, size_t count) {
  constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (size_t i = 0; i < count; ++i) {
    text.push_back(digits[bytes[i] >> 4]);
    text.push_back(digits[bytes[i] & 15]);
  }
  return text;
}

// The build-id in a note segment, empty if there is none.
std::string BuildIdIn(const std::vector<uint8_t>& notes) {
  for (size_t at = 0; at + sizeof(Elf64_Nhdr) <= notes.size();) {
    Elf64_Nhdr note;
    std::memcpy(&note, notes.data() + at, sizeof(note));
    const size_t name = at + sizeof(note);
    const size_t value = name + ((size_t{note.n_namesz} + 3) & ~size_t{3});
    if (value + note.n_descsz > notes.size()) {
      break;
    }
    if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 &&
        std::memcmp(notes.data() + name, "GNU", 4) == 0) {
      return Hex(notes.data() + value, note.n_descsz);
    }
    at = value + ((size_t{note.n_descsz} + 3) & ~size_t{3});
  }
  return "";
}

std::optional<trace::Module> ModuleAtMapping(const Mapping& mapping, const Memory& memory) {
  const auto header = memory.Get<Elf64_Ehdr>(mapping.start);
  if (!header || std::memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 || header->e_machine != EM_X86_64 ||
      header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_phentsize != sizeof(Elf64_Phdr) ||
      header->e_phnum == 0 || header->e_phnum > kMostHeaders) {
    return std::nullopt;
  }
  std::vector<Elf64_Phdr> headers(header->e_phnum);
  const size_t bytes = headers.size() * sizeof(Elf64_Phdr);
  if (memory.Read(mapping.start + header->e_phoff, headers.data(), bytes) != bytes) {
    return std::nullopt;
  }
  trace::Module module;
  uint64_t last = 0;
  bool found_first = false;
  for (const Elf64_Phdr& segment : headers) {
    if (segment.p_type != PT_LOAD) {
      continue;
    }
    if (!found_first) {
      module.bias = mapping.start - (segment.p_vaddr & ~kPageMask);
      found_first = true;
    }
    last = std::max(last, segment.p_vaddr + segment.p_memsz);
  }
  if (!found_first) {
    return std::nullopt;
  }
  module.start = mapping.start;
  module.end = ((module.bias + last) + kPageMask) & ~kPageMask;
  module.path = mapping.path;
  for (const Elf64_Phdr& segment : headers) {
    if (segment.p_type == PT_NOTE && segment.p_filesz <= kMostNoteBytes && module.build_id.empty()) {
      std::vector<uint8_t> notes(segment.p_filesz);
      notes.resize(memory.Read(module.bias + segment.p_vaddr, notes.data(), notes.size()));
      module.build_id = BuildIdIn(notes);
    }
  }
  return module;
}

}  // namespace

const Mapping* AddressSpace::MappingAt(uint64_t address) const {
  auto after = std::upper_bound(mappings.begin(), mappings.end(), address,
                                [](uint64_t value, const Mapping& m) { return value < m.start; });
  return after == mappings.begin() || address >= (--after)->end ? nullptr : &*after;
}

trace::Index AddressSpace::ModuleAt(uint64_t address) const {
  auto after = std::upper_bound(modules.begin(), modules.end(), address,
                                [](uint64_t value, const trace::Module& m) { return value < m.start; });
  return after == modules.begin() || address >= (--after)->end
             ? trace::kNoIndex
             : static_cast<trace::Index>(after - modules.begin());
}

trace::Frame AddressSpace::FrameAt(uint64_t address) const {
  const trace::Index module = ModuleAt(address);
  return {module, module == trace::kNoIndex ? address : address - modules[static_cast<size_t>(module)].start};
}

bool AddressSpace::HasKernelHelper() const {
  return std::any_of(mappings.begin(), mappings.end(), [](const Mapping& mapping) {
    return mapping.path.starts_with("/[aio]") || mapping.path.find("[io_uring]") != std::string::npos;
  });
}

// "start-end perms offset major:minor inode   path"
std::vector<Mapping> ParseMaps(std::string_view text) {
  std::vector<Mapping> mappings;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    Mapping mapping;
    const size_t dash = line.find('-');
    const size_t blank = line.find(' ');
    if (dash == std::string_view::npos || blank == std::string_view::npos || blank < dash) {
      continue;
    }
    uint64_t major = 0;
    uint64_t minor = 0;
    Words start(line.substr(0, dash));
    Words stop(line.substr(dash + 1, blank - dash - 1));
    Words rest(line.substr(blank));
    const std::string_view rights = rest.Next();
    const bool numbers =
        start.Take(&mapping.start, 16) && stop.Take(&mapping.end, 16) && rest.Take(&mapping.offset, 16);
    const std::string_view device = rest.Next();
    const size_t colon = std::min(device.find(':'), device.size());
    if (!numbers || rights.size() < 4 || colon == device.size() ||
        !Words(device.substr(0, colon)).Take(&major, 16) ||
        !Words(device.substr(colon + 1)).Take(&minor, 16) || !rest.Take(&mapping.inode)) {
      continue;
    }
    mapping.device = major << 32 | minor;
    mapping.executable = rights[2] == 'x';
    mapping.shared = rights[3] == 's';
    mapping.path = rest.Rest();
    mappings.push_back(std::move(mapping));
  }
  return mappings;
}

std::vector<trace::Module> FindModules(const std::vector<Mapping>& mappings, const Memory& memory) {
  std::vector<trace::Module> modules;
  for (const Mapping& mapping : mappings) {
    const bool first_page = mapping.offset == 0 && mapping.path.starts_with("/");
    if (!first_page || (!modules.empty() && mapping.start < modules.back().end)) {
      continue;
    }
    if (std::optional<trace::Module> module = ModuleAtMapping(mapping, memory)) {
      modules.push_back(std::move(*module));
    }
  }
  return modules;
}

// The kernel names mapped files as the reader sees them: a process in a chroot has the paths of ours.
std::string SeenFromHere(pid_t pid, const std::string& path) {
  return SharesNamespace(pid, "mnt") ? path : "/proc/" + std::to_string(pid) + "/root" + path;
}

std::optional<AddressSpace> ReadAddressSpace(pid_t pid, const Memory& memory) {
  const std::optional<std::string> maps = ReadProcFile(pid, "maps");
  if (!maps) {
    return std::nullopt;
  }
  AddressSpace space;
  space.mappings = ParseMaps(*maps);
  space.modules = FindModules(space.mappings, memory);
  for (trace::Module& module : space.modules) {
    module.path = SeenFromHere(pid, module.path);
  }
  return space;
}

}  // namespace gordian::inspect
