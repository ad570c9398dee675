// Whether a file is the one that a process has loaded, and not another build of it.
//
// Thread safety: functions without shared state.
#ifndef GORDIAN_LIBSYNC_INSPECT_BUILD_ID_H_
#define GORDIAN_LIBSYNC_INSPECT_BUILD_ID_H_

#include <libelf.h>

#include <string>

namespace gordian::inspect {

// For reading; -1 where there is no such regular file. Never blocks on a FIFO or a device that took its
// place.
int OpenRegular(const std::string& path);

// `build_id` in hexadecimal digits, empty: the loaded object has none.
bool HasBuildId(Elf* elf, const std::string& build_id);
bool IsBuild(const std::string& path, const std::string& build_id);

}  // namespace gordian::inspect

#endif  // GORDIAN_LIBSYNC_INSPECT_BUILD_ID_H_
