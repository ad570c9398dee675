#include "reports/dwarf_names.h"

#include <dwarf.h>

#include <cstdlib>
#include <filesystem>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "reports/demangle.h"

namespace gordian::report {
namespace {

// Declarations point to declarations; a damaged file may make them point in a circle.
constexpr int kMaxLinks = 16;
constexpr std::string_view kCallOperator = "operator()";

const char* LinkageName(Dwarf_Die* die) {
  Dwarf_Attribute attribute;
  if (dwarf_attr_integrate(die, DW_AT_linkage_name, &attribute) == nullptr &&
      dwarf_attr_integrate(die, DW_AT_MIPS_linkage_name, &attribute) == nullptr) {
    return nullptr;
  }
  return dwarf_formstring(&attribute);
}

// gcc names neither the class of a lambda nor its call operator for the linker; the hidden first parameter is
// what gives it away.
bool IsLambda(Dwarf_Die* function, const std::string& name) {
  if (!name.starts_with(kCallOperator)) {
    return false;
  }
  Dwarf_Die parameter;
  int more = dwarf_child(function, &parameter);
  while (more == 0 && dwarf_tag(&parameter) != DW_TAG_formal_parameter) {
    more = dwarf_siblingof(&parameter, &parameter);
  }
  const char* closure = more == 0 ? dwarf_diename(&parameter) : nullptr;
  return closure != nullptr && std::string_view(closure) == "__closure";
}

bool IsFunction(int tag) { return tag == DW_TAG_subprogram || tag == DW_TAG_inlined_subroutine; }

}  // namespace

Dwarf_Die Declaration(Dwarf_Die die) {
  for (int i = 0; i < kMaxLinks; ++i) {
    Dwarf_Attribute attribute;
    Dwarf_Die next;
    if ((dwarf_attr(&die, DW_AT_abstract_origin, &attribute) == nullptr &&
         dwarf_attr(&die, DW_AT_specification, &attribute) == nullptr) ||
        dwarf_formref_die(&attribute, &next) == nullptr) {
      break;
    }
    die = next;
  }
  return die;
}

// What an enclosing entry adds to the names inside it; "" for lexical blocks and units.
std::string ScopeName(Dwarf_Die* scope) {
  const char* name = dwarf_diename(scope);
  switch (dwarf_tag(scope)) {
    case DW_TAG_namespace:
      return name == nullptr ? "(anonymous namespace)" : name;
    case DW_TAG_class_type:
    case DW_TAG_structure_type:
    case DW_TAG_union_type:
      return name == nullptr ? "" : name;
    default:
      return "";
  }
}

std::string QualifiedName(Dwarf_Die die) {
  if (const char* linkage = LinkageName(&die); linkage != nullptr) {
    return ReadableName(linkage);
  }
  Dwarf_Die declaration = Declaration(die);
  const char* own = dwarf_diename(&declaration);
  if (own == nullptr) {
    return "";
  }
  std::string name = own;
  if (IsLambda(&declaration, name)) {
    name.replace(0, kCallOperator.size(), "{lambda}");
  }
  Dwarf_Die* scopes = nullptr;
  const int count = dwarf_getscopes_die(&declaration, &scopes);
  for (int i = 1; i < count; ++i) {
    if (IsFunction(dwarf_tag(&scopes[i]))) {
      const std::string function = QualifiedName(scopes[i]);
      name = function.empty() ? name : absl::StrCat(function, "::", name);
      break;
    }
    if (const std::string scope = ScopeName(&scopes[i]); !scope.empty()) {
      name = absl::StrCat(scope, "::", name);
    }
  }
  std::free(scopes);
  return name;
}

uint64_t UnsignedAttribute(Dwarf_Die* die, unsigned int name) {
  Dwarf_Attribute attribute;
  Dwarf_Word value = 0;
  if (dwarf_attr_integrate(die, name, &attribute) == nullptr || dwarf_formudata(&attribute, &value) != 0) {
    return 0;
  }
  return value;
}

std::string SourcePath(Dwarf_Die* unit, const char* file) {
  if (file == nullptr) {
    return "";
  }
  std::filesystem::path path(file);
  Dwarf_Attribute attribute;
  if (path.is_relative() && dwarf_attr(unit, DW_AT_comp_dir, &attribute) != nullptr) {
    if (const char* directory = dwarf_formstring(&attribute); directory != nullptr) {
      path = std::filesystem::path(directory) / path;
    }
  }
  return path.lexically_normal().string();
}

}  // namespace gordian::report
