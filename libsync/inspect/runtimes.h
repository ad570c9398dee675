// Which language runtimes and tools are built into a program: what decides how much of it can be seen.
//
// Thread safety: functions without shared state.
#ifndef GORDIAN_LIBSYNC_INSPECT_RUNTIMES_H_
#define GORDIAN_LIBSYNC_INSPECT_RUNTIMES_H_

#include <string>

namespace gordian::inspect {

struct Runtimes {
  bool go = false;
  bool rust = false;
  std::string sanitizer;  // "AddressSanitizer" ...; empty: none
};

// By sections and symbols, so that a stripped program may keep one to itself. Nothing where there is no ELF
// file.
Runtimes FindRuntimes(const std::string& path);

}  // namespace gordian::inspect

#endif  // GORDIAN_LIBSYNC_INSPECT_RUNTIMES_H_
