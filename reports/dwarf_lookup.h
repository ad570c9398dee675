// From an address to functions and lines, by one module's DWARF.
//
// Finds units by their own ranges, not by .debug_aranges, which clang does not write.
// Thread safety: none; one thread at a time.
#ifndef GORDIAN_REPORTS_DWARF_LOOKUP_H_
#define GORDIAN_REPORTS_DWARF_LOOKUP_H_

#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "reports/report.h"

namespace gordian::report {

class DwarfLookup {
 public:
  // `module` must outlive this. Reads nothing yet.
  explicit DwarfLookup(Dwfl_Module* module) : module_(module) {}

  // The frames at an address of the file, innermost inlined function first; empty when DWARF knows nothing
  // of it. Module and offset are left to the caller.
  Frames Lookup(uint64_t address);

  // The functions that left by a tail call between the call that returns to `return_address` and `callee`:
  // they have no frame although the source has one. An empty callee is any function outside this module.
  // Innermost first; empty when there are none, or when more than one path leads there.
  Frames TailCalls(uint64_t return_address, const std::string& callee);

 private:
  struct Range {
    uint64_t low;
    uint64_t high;
    size_t index;  // of what lies there
  };
  struct Unit {
    Dwarf_Die lines;   // owns the line table
    Dwarf_Die scopes;  // holds the functions: the split unit where there is one
    Dwarf_Addr bias = 0;
    bool functions_read = false;
    std::vector<Dwarf_Die> functions;
    std::vector<Range> ranges;  // of functions, by low
    // Index of a function with code by its declaration.
    absl::flat_hash_map<const void*, size_t> by_declaration;
  };
  struct Function {
    Unit* unit = nullptr;
    Dwarf_Die die;
  };

  static void SortRanges(std::vector<Range>* ranges);
  static const Range* FindRange(const std::vector<Range>& ranges, uint64_t address);

  void ReadUnits();
  Unit* FindUnit(uint64_t address);
  void ReadFunctions(Dwarf_Die* parent, Dwarf_Addr bias, int depth, Unit* unit);
  void ReadFunctions(Unit* unit);
  Dwarf_Die* FindFunction(Unit* unit, uint64_t address);
  SourceFrame Position(Unit* unit, uint64_t address) const;
  void ReadFunctionSymbols();
  Function Definition(const Function& mentioned);
  bool IsCallee(const Function& function, const std::string& callee);
  std::vector<Dwarf_Die> TailPath(const Function& function, const std::string& callee, int depth);

  Dwfl_Module* module_;
  bool read_ = false;
  std::vector<Unit> units_;
  std::vector<Range> ranges_;  // of units, by low
  // Addresses of functions by their ELF symbol; 0 for a name that several functions share.
  absl::flat_hash_map<std::string, uint64_t> functions_;
  bool functions_read_ = false;
};

}  // namespace gordian::report

#endif  // GORDIAN_REPORTS_DWARF_LOOKUP_H_
