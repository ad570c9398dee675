// What is mapped where in a process: /proc/PID/maps, and the loaded ELF objects in it.
//
// Thread safety: plain data and functions without shared state.
#ifndef GORDIAN_LIBSYNC_INSPECT_ADDRESS_SPACE_H_
#define GORDIAN_LIBSYNC_INSPECT_ADDRESS_SPACE_H_

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libsync/inspect/memory.h"
#include "libsync/trace/run.h"

namespace gordian::inspect {

struct Mapping {
  uint64_t start = 0;
  uint64_t end = 0;
  uint64_t offset = 0;
  uint64_t inode = 0;
  uint64_t device = 0;
  bool executable = false;
  bool shared = false;
  std::string path;  // "[heap]", "[stack]" and the like, too; empty for anonymous memory
};

struct AddressSpace {
  std::vector<Mapping> mappings;       // by address
  std::vector<trace::Module> modules;  // by address

  const Mapping* MappingAt(uint64_t address) const;
  // kNoIndex: in no module.
  trace::Index ModuleAt(uint64_t address) const;
  trace::Frame FrameAt(uint64_t address) const;
  // The kernel itself may wake threads: by io_uring, by asynchronous I/O.
  bool HasKernelHelper() const;
};

std::vector<Mapping> ParseMaps(std::string_view text);

// The loaded objects among the mappings: files whose first page is mapped and begins an ELF file of this
// machine. Start, bias and build-id come from the memory, not from a file that may have been replaced.
std::vector<trace::Module> FindModules(const std::vector<Mapping>& mappings, const Memory& memory);

// The name by which a file of the process's own mount namespace is found from here.
std::string SeenFromHere(pid_t pid, const std::string& path);

// nullopt: no such process, or its maps cannot be read (errno says which). The files of modules are named as
// seen from here: through /proc/PID/root where the process has another mount namespace.
std::optional<AddressSpace> ReadAddressSpace(pid_t pid, const Memory& memory);

}  // namespace gordian::inspect

#endif  // GORDIAN_LIBSYNC_INSPECT_ADDRESS_SPACE_H_
