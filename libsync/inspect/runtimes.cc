#include "libsync/inspect/runtimes.h"

#include <elf.h>
#include <gelf.h>
#include <libelf.h>
#include <unistd.h>

#include <cstddef>
#include <iterator>
#include <string_view>

#include "libsync/inspect/build_id.h"

namespace gordian::inspect {
namespace {

struct Sanitizer {
  std::string_view symbols;  // how their names begin
  const char* name;
};
// The first that is found names it: a library of one brings parts of the later ones.
constexpr Sanitizer kSanitizers[] = {{"__asan_init", "AddressSanitizer"},
                                     {"__tsan_init", "ThreadSanitizer"},
                                     {"__msan_init", "MemorySanitizer"},
                                     {"__hwasan_init", "HWAddressSanitizer"},
                                     {"__ubsan_handle_", "UndefinedBehaviorSanitizer"}};

struct Symbols {
  bool rust = false;
  size_t sanitizer = std::size(kSanitizers);
};

void ReadSymbols(Elf* elf, Elf_Scn* section, const GElf_Shdr& header, Symbols* found) {
  Elf_Data* data = elf_getdata(section, nullptr);
  const size_t count = data == nullptr || header.sh_entsize == 0 ? 0 : data->d_size / header.sh_entsize;
  for (size_t s = 0; s < count; ++s) {
    GElf_Sym symbol;
    const char* text = gelf_getsym(data, static_cast<int>(s), &symbol) == nullptr
                           ? nullptr
                           : elf_strptr(elf, header.sh_link, symbol.st_name);
    if (text == nullptr) {
      continue;
    }
    const std::string_view name = text;
    found->rust = found->rust || name == "rust_eh_personality" || name.starts_with("__rust_") ||
                  name.starts_with("_ZN3std2rt");
    for (size_t k = 0; k < found->sanitizer; ++k) {
      if (name.starts_with(kSanitizers[k].symbols)) {
        found->sanitizer = k;
      }
    }
  }
}

}  // namespace

Runtimes FindRuntimes(const std::string& path) {
  Runtimes found;
  const int fd = OpenRegular(path);
  if (fd < 0) {
    return found;
  }
  Symbols symbols;
  elf_version(EV_CURRENT);
  Elf* elf = elf_begin(fd, ELF_C_READ_MMAP, nullptr);
  size_t names = 0;
  if (elf != nullptr && elf_kind(elf) == ELF_K_ELF && elf_getshdrstrndx(elf, &names) == 0) {
    Elf_Scn* section = nullptr;
    while ((section = elf_nextscn(elf, section)) != nullptr) {
      GElf_Shdr header;
      const char* text =
          gelf_getshdr(section, &header) == nullptr ? nullptr : elf_strptr(elf, names, header.sh_name);
      const std::string_view name = text == nullptr ? "" : text;
      found.go = found.go || name == ".go.buildinfo" || name == ".note.go.buildid" || name == ".gopclntab";
      if (header.sh_type == SHT_SYMTAB || header.sh_type == SHT_DYNSYM) {
        ReadSymbols(elf, section, header, &symbols);
      } else if (name == ".comment") {
        const Elf_Data* data = elf_getdata(section, nullptr);
        found.rust =
            found.rust ||
            (data != nullptr && data->d_buf != nullptr &&
             std::string_view(static_cast<const char*>(data->d_buf), data->d_size).find("rustc version") !=
                 std::string_view::npos);
      }
    }
  }
  elf_end(elf);
  close(fd);
  found.rust = found.rust || symbols.rust;
  if (symbols.sanitizer < std::size(kSanitizers)) {
    found.sanitizer = kSanitizers[symbols.sanitizer].name;
  }
  return found;
}

}  // namespace gordian::inspect
