#include "libsync/inspect/dynamic_symbols.h"

#include <elf.h>
#include <gelf.h>
#include <libelf.h>
#include <unistd.h>

#include <cstddef>

#include "libsync/inspect/build_id.h"

namespace gordian::inspect {
namespace {

using Symbols = std::map<std::string, DynamicSymbol, std::less<>>;

void ReadTable(Elf* elf, Elf_Scn* section, const GElf_Shdr& header, uint64_t bias,
               const std::set<std::string, std::less<>>& names, Symbols* found) {
  Elf_Data* data = elf_getdata(section, nullptr);
  const size_t count = data == nullptr || header.sh_entsize == 0 ? 0 : data->d_size / header.sh_entsize;
  for (size_t s = 0; s < count; ++s) {
    GElf_Sym symbol;
    const char* text =
        gelf_getsym(data, static_cast<int>(s), &symbol) == nullptr || symbol.st_shndx == SHN_UNDEF
            ? nullptr
            : elf_strptr(elf, header.sh_link, symbol.st_name);
    if (text != nullptr && names.contains(text)) {
      (*found)[text] = {bias + symbol.st_value, symbol.st_size};
    }
  }
}

}  // namespace

Symbols FindDynamicSymbols(const trace::Module& module, const std::set<std::string, std::less<>>& names) {
  Symbols found;
  const int fd = OpenRegular(module.path);
  if (fd < 0) {
    return found;
  }
  elf_version(EV_CURRENT);
  Elf* elf = elf_begin(fd, ELF_C_READ_MMAP, nullptr);
  if (elf != nullptr && elf_kind(elf) == ELF_K_ELF && HasBuildId(elf, module.build_id)) {
    Elf_Scn* section = nullptr;
    while ((section = elf_nextscn(elf, section)) != nullptr) {
      GElf_Shdr header;
      if (gelf_getshdr(section, &header) != nullptr && header.sh_type == SHT_DYNSYM) {
        ReadTable(elf, section, header, module.bias, names, &found);
      }
    }
  }
  elf_end(elf);
  close(fd);
  return found;
}

}  // namespace gordian::inspect
