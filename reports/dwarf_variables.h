// Names of static variables and of the members inside them, by one module's DWARF.
// Thread safety: none; one thread at a time.
#ifndef GORDIAN_REPORTS_DWARF_VARIABLES_H_
#define GORDIAN_REPORTS_DWARF_VARIABLES_H_

#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>

#include <cstdint>
#include <map>
#include <string>

namespace gordian::report {

class DwarfVariables {
 public:
  // `module` must outlive this. Reads nothing yet.
  explicit DwarfVariables(Dwfl_Module* module) : module_(module) {}

  // "g_cache", "Load::mu", "g_server.cache_.mu_", "g_shards[3].mu": what lies at `address`, which must be in
  // a variable that starts at `start`; "" when DWARF does not know the variable.
  // `known_name` is what the variable's symbol says, or "".
  std::string NameAt(uint64_t start, uint64_t address, const std::string& known_name);

 private:
  void Read();
  void ReadChildren(Dwarf_Die* parent, Dwarf_Addr bias, int depth);
  void Add(Dwarf_Die* variable, Dwarf_Addr bias);

  Dwfl_Module* module_;
  bool read_ = false;
  std::map<uint64_t, Dwarf_Die> variables_;  // by address
};

}  // namespace gordian::report

#endif  // GORDIAN_REPORTS_DWARF_VARIABLES_H_
