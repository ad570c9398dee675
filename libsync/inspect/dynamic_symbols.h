// Where an ELF file's exported symbols lie.
//
// Thread safety: functions without shared state.
#ifndef GORDIAN_LIBSYNC_INSPECT_DYNAMIC_SYMBOLS_H_
#define GORDIAN_LIBSYNC_INSPECT_DYNAMIC_SYMBOLS_H_

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "libsync/trace/run.h"

namespace gordian::inspect {

struct DynamicSymbol {
  uint64_t address = 0;  // in the process
  uint64_t size = 0;
};

// Those of `names` that a loaded object exports; empty as well where its file is not the one that is loaded.
std::map<std::string, DynamicSymbol, std::less<>> FindDynamicSymbols(
    const trace::Module& module, const std::set<std::string, std::less<>>& names);

}  // namespace gordian::inspect

#endif  // GORDIAN_LIBSYNC_INSPECT_DYNAMIC_SYMBOLS_H_
