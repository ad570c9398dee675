// The memory of a process that is not ours, read without stopping it.
//
// Every read is a moment's: what is read twice may differ, and an address may be gone.
// Thread safety: none; one thread at a time.
#ifndef GORDIAN_LIBSYNC_INSPECT_MEMORY_H_
#define GORDIAN_LIBSYNC_INSPECT_MEMORY_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace gordian::inspect {

class Memory {
 public:
  virtual ~Memory() = default;

  // As many of the bytes as could be read, from the first.
  virtual size_t Read(uint64_t address, void* to, size_t bytes) const = 0;

  template <typename T>
  std::optional<T> Get(uint64_t address) const {
    T value{};
    return Read(address, &value, sizeof(value)) == sizeof(value) ? std::optional(value) : std::nullopt;
  }
};

// Of a living process, by process_vm_readv, or where a sandbox forbids that call by /proc/PID/mem, for which
// the kernel asks the same permission.
class ProcessMemory : public Memory {
 public:
  explicit ProcessMemory(pid_t pid) : pid_(pid) {}
  ~ProcessMemory() override;
  ProcessMemory(const ProcessMemory&) = delete;
  ProcessMemory& operator=(const ProcessMemory&) = delete;
  size_t Read(uint64_t address, void* to, size_t bytes) const override;

 private:
  size_t ReadFile(uint64_t address, void* to, size_t bytes) const;

  pid_t pid_;
  mutable bool forbidden_ = false;
  mutable int file_ = -1;
};

// Looks at a stretch of another memory in one piece: a stack is read word by word otherwise.
class MemoryWindow {
 public:
  MemoryWindow(const Memory* memory, uint64_t start, size_t bytes);
  std::optional<uint64_t> Word(uint64_t address) const;

 private:
  const Memory* memory_;
  uint64_t start_;
  std::vector<uint8_t> bytes_;
};

}  // namespace gordian::inspect

#endif  // GORDIAN_LIBSYNC_INSPECT_MEMORY_H_
