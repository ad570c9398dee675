#include "reports/object_file.h"

#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "reports/debug_files.h"
#include "reports/demangle.h"

namespace gordian::report {
namespace {

// What the kernel appends to the path of a mapped file that was unlinked.
constexpr std::string_view kDeleted = " (deleted)";
constexpr uint64_t kMostWithoutSize = 64;

int NoElf(Dwfl_Module*, void**, const char*, Dwarf_Addr, char**, Elf**) { return -1; }

// dwz keeps what several debug files share in a file of its own, named relative to the one that refers to it.
std::string SharedDebugFile(const std::string& file, const std::string& link) {
  if (link.starts_with("/")) {
    return link;
  }
  return absl::StrCat(file.substr(0, file.rfind('/') + 1), link);
}

}  // namespace

std::unique_ptr<ObjectFile> ObjectFile::Open(const std::string& path, const std::string& build_id,
                                             const std::vector<std::string>& debug_directories,
                                             std::string* why) {
  const std::string on_disk = path.ends_with(kDeleted) ? path.substr(0, path.size() - kDeleted.size()) : path;
  const std::optional<std::string> found = BuildIdOfFile(on_disk);
  std::string source = on_disk;
  // A trace without a build-id proves nothing about the file; one with another id proves that it is not it.
  if (!found || (!build_id.empty() && *found != build_id)) {
    source = DebugFileByBuildId(build_id, debug_directories);
    if (source.empty()) {
      *why = found ? absl::StrCat(on_disk, " has changed since it was loaded: its functions are not named")
                   : absl::StrCat(on_disk, " cannot be read any more: its functions are not named");
      return nullptr;
    }
  }
  std::unique_ptr<ObjectFile> object(new ObjectFile());
  object->build_id_ = build_id.empty() ? found.value_or("") : build_id;
  object->debug_directories_ = debug_directories;
  if (!object->Load(source)) {
    *why = absl::StrCat(source, " is damaged: its functions are not named");
    return nullptr;
  }
  return object;
}

bool ObjectFile::Load(const std::string& path) {
  path_ = path;
  callbacks_.find_elf = NoElf;
  callbacks_.find_debuginfo = FindDebugFile;
  callbacks_.section_address = dwfl_offline_section_address;
  dwfl_ = dwfl_begin(&callbacks_);
  const int fd = dwfl_ == nullptr ? -1 : OpenRegularFile(path);
  if (fd < 0) {
    return false;
  }
  dwfl_report_begin(dwfl_);
  module_ = dwfl_report_elf(dwfl_, path.c_str(), path.c_str(), fd, 0, true);
  if (module_ == nullptr) {
    close(fd);
    return false;
  }
  void** user_data = nullptr;
  dwfl_module_info(module_, &user_data, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr);
  *user_data = this;
  dwfl_report_end(dwfl_, nullptr, nullptr);
  lookup_ = std::make_unique<DwarfLookup>(module_);
  variables_ = std::make_unique<DwarfVariables>(module_);
  return true;
}

ObjectFile::~ObjectFile() { dwfl_end(dwfl_); }

// libdwfl's own callback would ask debuginfod servers; this one never leaves the machine.
int ObjectFile::FindDebugFile(Dwfl_Module* /*module*/, void** user_data, const char* /*module_name*/,
                              Dwarf_Addr /*base*/, const char* file, const char* link, GElf_Word crc,
                              char** debug_file) {
  const auto* self = static_cast<const ObjectFile*>(*user_data);
  if (self == nullptr) {
    return -1;
  }
  const std::string link_name = link == nullptr ? "" : link;
  std::string found;
  if (link_name.find('/') != std::string::npos) {
    found = SharedDebugFile(file == nullptr ? self->path_ : file, link_name);
  } else {
    found = DebugFileByBuildId(self->build_id_, self->debug_directories_);
    if (found.empty()) {
      found = DebugFileByLink(self->path_, link_name, crc, self->debug_directories_);
    }
  }
  const int fd = found.empty() ? -1 : OpenRegularFile(found);
  if (fd >= 0) {
    *debug_file = strdup(found.c_str());
  }
  return fd;
}

std::string ObjectFile::SymbolAt(uint64_t address) const {
  GElf_Off offset = 0;
  GElf_Sym symbol;
  const char* name = dwfl_module_addrinfo(module_, address, &offset, &symbol, nullptr, nullptr, nullptr);
  const int type = name == nullptr ? STT_NOTYPE : GELF_ST_TYPE(symbol.st_info);
  if (name == nullptr || *name == '\0' || type == STT_OBJECT || type == STT_SECTION || type == STT_FILE) {
    return "";
  }
  // One without a size would reach over all that comes behind it and has no name.
  if (symbol.st_size == 0 && offset >= kMostWithoutSize) {
    return "";
  }
  return ReadableName(name);
}

uint64_t ObjectFile::FunctionSize(uint64_t address) const {
  GElf_Off offset = 0;
  GElf_Sym symbol;
  const char* name = dwfl_module_addrinfo(module_, address, &offset, &symbol, nullptr, nullptr, nullptr);
  return name == nullptr ? 0 : symbol.st_size;
}

Frames ObjectFile::Lookup(uint64_t address) {
  Frames frames = lookup_->Lookup(address);
  if (frames.empty()) {
    frames.emplace_back();
  }
  if (frames.back().function.empty()) {
    frames.back().function = SymbolAt(address);
  }
  if (frames.size() == 1 && frames.back().function.empty() && frames.back().file.empty()) {
    return {};
  }
  return frames;
}

Frames ObjectFile::TailCalls(uint64_t return_address, const std::string& callee) {
  return lookup_->TailCalls(return_address, callee);
}

void ObjectFile::ReadDataSymbols() {
  data_symbols_read_ = true;
  const int count = dwfl_module_getsymtab(module_);
  for (int i = 1; i < count; ++i) {
    GElf_Sym symbol;
    GElf_Addr address = 0;
    const char* name = dwfl_module_getsym_info(module_, i, &symbol, &address, nullptr, nullptr, nullptr);
    if (name != nullptr && GELF_ST_TYPE(symbol.st_info) == STT_OBJECT && symbol.st_shndx != SHN_UNDEF &&
        symbol.st_size > 0) {
      data_symbols_.push_back({address, symbol.st_size, name});
    }
  }
  // Of several names of one place the shortest comes last, which is where DataName looks first.
  std::sort(data_symbols_.begin(), data_symbols_.end(), [](const DataSymbol& a, const DataSymbol& b) {
    return std::make_pair(a.start, b.name.size()) < std::make_pair(b.start, a.name.size());
  });
}

std::string ObjectFile::DataName(uint64_t address) {
  if (!data_symbols_read_) {
    ReadDataSymbols();
  }
  auto symbol = std::upper_bound(data_symbols_.begin(), data_symbols_.end(), address,
                                 [](uint64_t value, const DataSymbol& s) { return value < s.start; });
  if (symbol == data_symbols_.begin() || address >= (--symbol)->start + symbol->size) {
    return "";
  }
  // A mangled symbol holds its scopes; a plain one may be that of a local static in C ("mu.0").
  const std::string scoped = symbol->name.starts_with("_Z") ? ReadableName(symbol->name) : "";
  std::string name = variables_->NameAt(symbol->start, address, scoped);
  if (!name.empty()) {
    return name;
  }
  name = ReadableName(symbol->name);
  return address == symbol->start ? name : absl::StrCat(name, "+0x", absl::Hex(address - symbol->start));
}

bool ObjectFile::IsSignalReturn(uint64_t address) const {
  // mov $__NR_rt_sigreturn, %rax; syscall
  constexpr uint8_t expected[] = {0x48, 0xC7, 0xC0, 0x0F, 0, 0, 0, 0x0F, 0x05};
  GElf_Addr bias = 0;
  size_t size = 0;
  size_t count = 0;
  Elf* elf = dwfl_module_getelf(module_, &bias);
  const char* file = elf == nullptr ? nullptr : elf_rawfile(elf, &size);
  if (file == nullptr || elf_getphdrnum(elf, &count) != 0) {
    return false;
  }
  for (size_t p = 0; p < count; ++p) {
    GElf_Phdr part;
    if (gelf_getphdr(elf, static_cast<int>(p), &part) == nullptr || part.p_type != PT_LOAD ||
        address < part.p_vaddr || address - part.p_vaddr >= part.p_filesz) {
      continue;
    }
    const uint64_t offset = part.p_offset + (address - part.p_vaddr);
    return offset < size && size - offset >= sizeof(expected) &&
           std::memcmp(file + offset, expected, sizeof(expected)) == 0;
  }
  return false;
}

}  // namespace gordian::report
