#include "reports/dwarf_variables.h"

#include <dwarf.h>
#include <libelf.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "reports/dwarf_names.h"

namespace gordian::report {
namespace {

// Finding a variable means reading every entry of the module. Above this size it would be seconds, for a name
// that the ELF symbol gives nearly as well.
constexpr uint64_t kMaxDebugInfo = 96 << 20;
constexpr int kMaxDepth = 32;

bool HoldsVariables(int tag) {
  static constexpr std::array tags = {DW_TAG_namespace,  DW_TAG_class_type,    DW_TAG_structure_type,
                                      DW_TAG_subprogram, DW_TAG_lexical_block, DW_TAG_union_type};
  return std::find(tags.begin(), tags.end(), tag) != tags.end();
}

std::optional<Dwarf_Die> TypeOf(Dwarf_Die* die) {
  Dwarf_Attribute attribute;
  Dwarf_Die type;
  Dwarf_Die peeled;
  if (dwarf_attr_integrate(die, DW_AT_type, &attribute) == nullptr ||
      dwarf_formref_die(&attribute, &type) == nullptr || dwarf_peel_type(&type, &peeled) != 0) {
    return std::nullopt;
  }
  return peeled;
}

// The types a user thinks of as one thing: their own members would say nothing. std::array is none of them.
bool IsOpaque(Dwarf_Die* type) {
  const int tag = dwarf_tag(type);
  if (tag != DW_TAG_structure_type && tag != DW_TAG_class_type) {
    return true;
  }
  Dwarf_Die scope = *type;
  Dwarf_Die* scopes = nullptr;
  const int count = dwarf_getscopes_die(&scope, &scopes);
  bool standard = false;
  for (int i = 1; i < count; ++i) {
    const char* name = dwarf_diename(&scopes[i]);
    standard |= dwarf_tag(&scopes[i]) == DW_TAG_namespace && name != nullptr &&
                (std::string_view(name) == "std" || std::string_view(name) == "__gnu_cxx");
  }
  free(scopes);
  const char* name = dwarf_diename(type);
  const std::string_view type_name = name == nullptr ? "" : name;
  return (standard && !type_name.starts_with("array<")) || type_name.starts_with("pthread_");
}

// The member or base that covers `offset`, and the offset within it.
bool MemberAt(Dwarf_Die* type, uint64_t* offset, Dwarf_Die* member) {
  Dwarf_Die child;
  if (dwarf_child(type, &child) != 0) {
    return false;
  }
  do {
    const int tag = dwarf_tag(&child);
    if (tag != DW_TAG_member && tag != DW_TAG_inheritance) {
      continue;
    }
    const uint64_t start = UnsignedAttribute(&child, DW_AT_data_member_location);
    std::optional<Dwarf_Die> member_type = TypeOf(&child);
    Dwarf_Word size = 0;
    const bool is_static = dwarf_hasattr(&child, DW_AT_declaration) != 0;
    if (!is_static && member_type && dwarf_aggregate_size(&*member_type, &size) == 0 && *offset >= start &&
        *offset < start + size) {
      *offset -= start;
      *member = child;
      return true;
    }
  } while (dwarf_siblingof(&child, &child) == 0);
  return false;
}

// ".cache_.mu_" or "[3].mu": the way from an object of `type` down to what lies at `offset`.
std::string MemberPath(Dwarf_Die type, uint64_t offset) {
  std::string path;
  for (int depth = 0; depth < kMaxDepth; ++depth) {
    std::optional<Dwarf_Die> next;
    if (dwarf_tag(&type) == DW_TAG_array_type) {
      next = TypeOf(&type);
      Dwarf_Word size = 0;
      if (!next || dwarf_aggregate_size(&*next, &size) != 0 || size == 0) {
        break;
      }
      absl::StrAppend(&path, "[", offset / size, "]");
      offset %= size;
    } else {
      Dwarf_Die member;
      if ((offset == 0 && IsOpaque(&type)) || !MemberAt(&type, &offset, &member)) {
        break;
      }
      const char* name = dwarf_diename(&member);
      if (dwarf_tag(&member) == DW_TAG_member && name != nullptr &&
          !std::string_view(name).starts_with("_M_")) {
        absl::StrAppend(&path, ".", name);
      }
      next = TypeOf(&member);
    }
    if (!next) {
      break;
    }
    type = *next;
  }
  return offset == 0 ? path : absl::StrCat(path, "+0x", absl::Hex(offset));
}

}  // namespace

void DwarfVariables::Add(Dwarf_Die* variable, Dwarf_Addr bias) {
  Dwarf_Attribute attribute;
  Dwarf_Op* operations = nullptr;
  size_t count = 0;
  if (dwarf_attr(variable, DW_AT_location, &attribute) != nullptr &&
      dwarf_getlocation(&attribute, &operations, &count) == 0 && count == 1 &&
      (operations[0].atom == DW_OP_addr || operations[0].atom == DW_OP_addrx)) {
    Dwarf_Addr address = operations[0].number;
    Dwarf_Attribute resolved;
    if (operations[0].atom == DW_OP_addrx &&
        (dwarf_getlocation_attr(&attribute, &operations[0], &resolved) != 0 ||
         dwarf_formaddr(&resolved, &address) != 0)) {
      return;
    }
    variables_.emplace(address + bias, *variable);
  }
}

void DwarfVariables::ReadChildren(Dwarf_Die* parent, Dwarf_Addr bias, int depth) {
  Dwarf_Die child;
  if (depth == kMaxDepth || dwarf_child(parent, &child) != 0) {
    return;
  }
  do {
    const int tag = dwarf_tag(&child);
    if (tag == DW_TAG_variable) {
      Add(&child, bias);
    } else if (HoldsVariables(tag)) {
      ReadChildren(&child, bias, depth + 1);
    }
  } while (dwarf_siblingof(&child, &child) == 0);
}

void DwarfVariables::Read() {
  read_ = true;
  Dwarf_Addr bias = 0;
  Dwarf* dwarf = dwfl_module_getdwarf(module_, &bias);
  Elf* elf = dwarf == nullptr ? nullptr : dwarf_getelf(dwarf);
  Elf_Scn* section = nullptr;
  size_t names = 0;
  if (elf == nullptr || elf_getshdrstrndx(elf, &names) != 0) {
    return;
  }
  while ((section = elf_nextscn(elf, section)) != nullptr) {
    GElf_Shdr header;
    const char* name =
        gelf_getshdr(section, &header) == nullptr ? nullptr : elf_strptr(elf, names, header.sh_name);
    if (name != nullptr && std::string_view(name) == ".debug_info" && header.sh_size > kMaxDebugInfo) {
      return;
    }
  }
  for (Dwarf_Die* unit = dwfl_module_nextcu(module_, nullptr, &bias); unit != nullptr;
       unit = dwfl_module_nextcu(module_, unit, &bias)) {
    Dwarf_Die split;
    const bool has_split =
        dwarf_cu_info(unit->cu, nullptr, nullptr, nullptr, &split, nullptr, nullptr, nullptr) == 0 &&
        split.addr != nullptr;
    ReadChildren(has_split ? &split : unit, bias, 0);
  }
}

std::string DwarfVariables::NameAt(uint64_t start, uint64_t address, const std::string& known_name) {
  if (!read_) {
    Read();
  }
  const auto variable = variables_.find(start);
  if (variable == variables_.end()) {
    return "";
  }
  const std::string name = known_name.empty() ? QualifiedName(variable->second) : known_name;
  if (name.empty()) {
    return "";
  }
  const std::optional<Dwarf_Die> type = TypeOf(&variable->second);
  return type ? absl::StrCat(name, MemberPath(*type, address - start)) : name;
}

}  // namespace gordian::report
