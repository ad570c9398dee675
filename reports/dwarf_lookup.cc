#include "reports/dwarf_lookup.h"

#include <dwarf.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "reports/dwarf_names.h"

namespace gordian::report {
namespace {

// Ranges of units may overlap where the linker dropped duplicates; look at so many neighbours.
constexpr int kMaxOverlap = 64;
constexpr int kMaxTailCalls = 4;
// Deeper than any source; a damaged file may nest without end.
constexpr int kMaxNesting = 200;

bool HoldsFunctions(int tag) {
  return tag == DW_TAG_namespace || tag == DW_TAG_class_type || tag == DW_TAG_structure_type ||
         tag == DW_TAG_union_type || tag == DW_TAG_subprogram || tag == DW_TAG_lexical_block;
}

void ForEachChild(Dwarf_Die* die, const auto& visit) {
  Dwarf_Die child;
  if (dwarf_child(die, &child) != 0) {
    return;
  }
  do {
    visit(&child);
  } while (dwarf_siblingof(&child, &child) == 0);
}

void ForEachRange(Dwarf_Die* die, const auto& visit) {
  Dwarf_Addr base = 0;
  Dwarf_Addr low = 0;
  Dwarf_Addr high = 0;
  for (ptrdiff_t next = dwarf_ranges(die, 0, &base, &low, &high); next > 0;
       next = dwarf_ranges(die, next, &base, &low, &high)) {
    if (low > 1 && low < high) {  // 0 and 1 are what linkers write for dropped functions
      visit(low, high);
    }
  }
}

std::string CallFile(Dwarf_Die* unit, Dwarf_Die* inlined) {
  Dwarf_Files* files = nullptr;
  size_t count = 0;
  const uint64_t index = UnsignedAttribute(inlined, DW_AT_call_file);
  if (dwarf_getsrcfiles(unit, &files, &count) != 0 || index >= count) {
    return "";
  }
  return SourcePath(unit, dwarf_filesrc(files, index, nullptr, nullptr));
}

bool IsCallSite(Dwarf_Die* die) {
  const int tag = dwarf_tag(die);
  return tag == DW_TAG_call_site || tag == DW_TAG_GNU_call_site;
}

// The function that a call site calls, where the compiler knew it.
bool CallTarget(Dwarf_Die* site, Dwarf_Die* target) {
  Dwarf_Attribute attribute;
  return (dwarf_attr(site, DW_AT_call_origin, &attribute) != nullptr ||
          dwarf_attr(site, DW_AT_abstract_origin, &attribute) != nullptr) &&
         dwarf_formref_die(&attribute, target) != nullptr;
}

bool IsTailCall(Dwarf_Die* site) {
  return dwarf_hasattr(site, DW_AT_call_tail_call) != 0 || dwarf_hasattr(site, DW_AT_GNU_tail_call) != 0;
}

uint64_t ReturnAddress(Dwarf_Die* site) {
  Dwarf_Attribute attribute;
  Dwarf_Addr address = 0;
  if (dwarf_attr(site, DW_AT_call_return_pc, &attribute) == nullptr &&
      dwarf_attr(site, DW_AT_low_pc, &attribute) == nullptr) {
    return 0;
  }
  return dwarf_formaddr(&attribute, &address) == 0 ? address : 0;
}

// All call sites of a function's own code, those of functions inlined into it too.
void CollectCallSites(Dwarf_Die* die, std::vector<Dwarf_Die>* sites) {
  ForEachChild(die, [sites](Dwarf_Die* child) {
    if (IsCallSite(child)) {
      sites->push_back(*child);
    } else if (dwarf_tag(child) == DW_TAG_lexical_block || dwarf_tag(child) == DW_TAG_inlined_subroutine) {
      CollectCallSites(child, sites);
    }
  });
}

// The inlined functions around a pc, outermost first.
void CollectInlined(Dwarf_Die* parent, Dwarf_Addr pc, std::vector<Dwarf_Die>* inlined) {
  bool found = false;
  ForEachChild(parent, [&](Dwarf_Die* child) {
    const int tag = dwarf_tag(child);
    const bool is_code = tag == DW_TAG_inlined_subroutine || tag == DW_TAG_lexical_block;
    if (!found && is_code && inlined->size() < size_t{kMaxNesting} && dwarf_haspc(child, pc) > 0) {
      found = true;
      if (tag == DW_TAG_inlined_subroutine) {
        inlined->push_back(*child);
      }
      CollectInlined(child, pc, inlined);
    }
  });
}

// What the linker calls a function.
std::string SymbolName(Dwarf_Die* function) {
  Dwarf_Attribute attribute;
  const char* name = dwarf_attr_integrate(function, DW_AT_linkage_name, &attribute) != nullptr
                         ? dwarf_formstring(&attribute)
                         : dwarf_diename(function);
  return name == nullptr ? "" : name;
}

SourceFrame DeclaredAt(Dwarf_Die function) {
  SourceFrame frame;
  frame.function = QualifiedName(function);
  Dwarf_Die unit;
  if (dwarf_diecu(&function, &unit, nullptr, nullptr) != nullptr) {
    frame.file = SourcePath(&unit, dwarf_decl_file(&function));
  }
  dwarf_decl_line(&function, &frame.line);
  return frame;
}

}  // namespace

void DwarfLookup::SortRanges(std::vector<Range>* ranges) {
  std::sort(ranges->begin(), ranges->end(), [](const Range& a, const Range& b) { return a.low < b.low; });
}

const DwarfLookup::Range* DwarfLookup::FindRange(const std::vector<Range>& ranges, uint64_t address) {
  auto range = std::upper_bound(ranges.begin(), ranges.end(), address,
                                [](uint64_t value, const Range& r) { return value < r.low; });
  for (int i = 0; i < kMaxOverlap && range != ranges.begin(); ++i) {
    --range;
    if (address < range->high) {
      return &*range;
    }
  }
  return nullptr;
}

void DwarfLookup::ReadUnits() {
  read_ = true;
  Dwarf_Addr bias = 0;
  for (Dwarf_Die* die = dwfl_module_nextcu(module_, nullptr, &bias); die != nullptr;
       die = dwfl_module_nextcu(module_, die, &bias)) {
    Unit unit;
    unit.lines = *die;
    unit.scopes = *die;
    unit.bias = bias;
    Dwarf_Die split;
    if (dwarf_cu_info(die->cu, nullptr, nullptr, nullptr, &split, nullptr, nullptr, nullptr) == 0 &&
        split.addr != nullptr) {
      unit.scopes = split;
    }
    ForEachRange(die, [&](Dwarf_Addr low, Dwarf_Addr high) {
      ranges_.push_back({low + bias, high + bias, units_.size()});
    });
    units_.push_back(std::move(unit));
  }
  SortRanges(&ranges_);
}

DwarfLookup::Unit* DwarfLookup::FindUnit(uint64_t address) {
  if (!read_) {
    ReadUnits();
  }
  const Range* range = FindRange(ranges_, address);
  return range == nullptr ? nullptr : &units_[range->index];
}

void DwarfLookup::ReadFunctions(Dwarf_Die* parent, Dwarf_Addr bias, int depth, Unit* unit) {
  if (depth == kMaxNesting) {
    return;
  }
  ForEachChild(parent, [&](Dwarf_Die* child) {
    const int tag = dwarf_tag(child);
    if (tag == DW_TAG_subprogram) {
      ForEachRange(child, [&](Dwarf_Addr low, Dwarf_Addr high) {
        unit->ranges.push_back({low + bias, high + bias, unit->functions.size()});
      });
      if (dwarf_hasattr(child, DW_AT_low_pc) != 0 || dwarf_hasattr(child, DW_AT_ranges) != 0) {
        unit->by_declaration.emplace(Declaration(*child).addr, unit->functions.size());
        unit->functions.push_back(*child);
      }
    }
    if (HoldsFunctions(tag)) {
      ReadFunctions(child, bias, depth + 1, unit);
    }
  });
}

void DwarfLookup::ReadFunctions(Unit* unit) {
  if (unit->functions_read) {
    return;
  }
  unit->functions_read = true;
  ReadFunctions(&unit->scopes, unit->bias, 0, unit);
  SortRanges(&unit->ranges);
}

// The function whose code holds an address. dwarf_getscopes() would miss functions that are nested in others,
// as the call operators of lambdas are: it looks only below entries that hold the address themselves.
Dwarf_Die* DwarfLookup::FindFunction(Unit* unit, uint64_t address) {
  ReadFunctions(unit);
  const Range* range = FindRange(unit->ranges, address);
  return range == nullptr ? nullptr : &unit->functions[range->index];
}

// A frame without a function: what the line table alone says.
SourceFrame DwarfLookup::Position(Unit* unit, uint64_t address) const {
  SourceFrame frame;
  if (Dwarf_Line* line = dwarf_getsrc_die(&unit->lines, address - unit->bias); line != nullptr) {
    frame.file = SourcePath(&unit->lines, dwarf_linesrc(line, nullptr, nullptr));
    dwarf_lineno(line, &frame.line);
  }
  return frame;
}

Frames DwarfLookup::Lookup(uint64_t address) {
  Unit* unit = FindUnit(address);
  if (unit == nullptr) {
    return {};
  }
  SourceFrame frame = Position(unit, address);
  Dwarf_Die* function = FindFunction(unit, address);
  if (function == nullptr) {
    return {frame};
  }
  std::vector<Dwarf_Die> inlined;
  CollectInlined(function, address - unit->bias, &inlined);
  Frames frames;
  for (auto call = inlined.rbegin(); call != inlined.rend(); ++call) {
    frame.function = QualifiedName(*call);
    frame.inlined = true;
    frames.push_back(frame);
    frame = SourceFrame();
    frame.file = CallFile(&unit->lines, &*call);
    frame.line = static_cast<int>(UnsignedAttribute(&*call, DW_AT_call_line));
  }
  frame.function = QualifiedName(*function);
  frames.push_back(frame);
  return frames;
}

void DwarfLookup::ReadFunctionSymbols() {
  functions_read_ = true;
  const int count = dwfl_module_getsymtab(module_);
  for (int i = 1; i < count; ++i) {
    GElf_Sym symbol;
    GElf_Addr address = 0;
    const char* name = dwfl_module_getsym_info(module_, i, &symbol, &address, nullptr, nullptr, nullptr);
    if (name == nullptr || GELF_ST_TYPE(symbol.st_info) != STT_FUNC || symbol.st_shndx == SHN_UNDEF) {
      continue;
    }
    auto [entry, inserted] = functions_.try_emplace(name, address);
    if (!inserted && entry->second != address) {
      entry->second = 0;
    }
  }
}

// The code of a function that a call site mentions: in the same unit, else anywhere in the module by its
// symbol. No unit: the function lies outside the module.
DwarfLookup::Function DwarfLookup::Definition(const Function& mentioned) {
  ReadFunctions(mentioned.unit);
  const auto here = mentioned.unit->by_declaration.find(Declaration(mentioned.die).addr);
  if (here != mentioned.unit->by_declaration.end()) {
    return {mentioned.unit, mentioned.unit->functions[here->second]};
  }
  if (!functions_read_) {
    ReadFunctionSymbols();
  }
  Dwarf_Die die = mentioned.die;
  const auto symbol = functions_.find(SymbolName(&die));
  Unit* unit = symbol == functions_.end() ? nullptr : FindUnit(symbol->second);
  Dwarf_Die* definition = unit == nullptr ? nullptr : FindFunction(unit, symbol->second);
  return definition == nullptr ? Function() : Function{unit, *definition};
}

bool DwarfLookup::IsCallee(const Function& function, const std::string& callee) {
  return callee.empty() ? Definition(function).unit == nullptr : QualifiedName(function.die) == callee;
}

// The functions from `function` to the one that calls `callee` last, all by tail calls; empty when there is
// no such path or when two differ, as a debugger does: a wrong frame is worse than a missing one.
std::vector<Dwarf_Die> DwarfLookup::TailPath(const Function& function, const std::string& callee, int depth) {
  Function definition = depth == 0 ? Function() : Definition(function);
  if (definition.unit == nullptr) {
    return {};
  }
  std::vector<Dwarf_Die> sites;
  CollectCallSites(&definition.die, &sites);
  std::vector<Dwarf_Die> only;
  for (Dwarf_Die& site : sites) {
    Function target{definition.unit, {}};
    if (!IsTailCall(&site) || !CallTarget(&site, &target.die)) {
      continue;
    }
    std::vector<Dwarf_Die> path;
    if (!IsCallee(target, callee)) {
      path = TailPath(target, callee, depth - 1);
      if (path.empty()) {
        continue;
      }
    }
    path.insert(path.begin(), definition.die);
    const auto same = [](const Dwarf_Die& a, const Dwarf_Die& b) { return a.addr == b.addr; };
    if (!only.empty() && !std::equal(only.begin(), only.end(), path.begin(), path.end(), same)) {
      return {};
    }
    only = std::move(path);
  }
  return only;
}

Frames DwarfLookup::TailCalls(uint64_t return_address, const std::string& callee) {
  Unit* unit = FindUnit(return_address - 1);
  Dwarf_Die* caller = unit == nullptr ? nullptr : FindFunction(unit, return_address - 1);
  if (caller == nullptr) {
    return {};
  }
  std::vector<Dwarf_Die> sites;
  CollectCallSites(caller, &sites);
  for (Dwarf_Die& site : sites) {
    Function target{unit, {}};
    if (ReturnAddress(&site) + unit->bias != return_address || !CallTarget(&site, &target.die) ||
        IsCallee(target, callee)) {
      continue;
    }
    Frames frames;
    for (const Dwarf_Die& function : TailPath(target, callee, kMaxTailCalls)) {
      frames.insert(frames.begin(), DeclaredAt(function));
    }
    return frames;
  }
  return {};
}

}  // namespace gordian::report
