#include "libsync/inspect/semaphores.h"

#include <sys/ipc.h>
#include <sys/sem.h>

#include <cstddef>
#include <cstdint>
#include <optional>

namespace gordian::inspect {
namespace {

// SEMOPM, the most that one call may do on most systems.
constexpr uint64_t kMostOperations = 500;

// Whether an operation could not be done as the value is now.
bool Blocks(const sembuf& operation, int value) {
  return operation.sem_op == 0 ? value != 0 : value + operation.sem_op < 0;
}

}  // namespace

std::string DescribeSemaphore(const TaskWait& wait, const Memory& memory) {
  const auto set = static_cast<int>(wait.args[0]);
  std::string whole = "set " + std::to_string(set);
  for (uint64_t o = 0; o < wait.args[2] && o < kMostOperations; ++o) {
    const std::optional<sembuf> operation = memory.Get<sembuf>(wait.args[1] + o * sizeof(sembuf));
    const int value = operation ? semctl(set, operation->sem_num, GETVAL) : -1;
    if (value < 0) {
      break;  // of another namespace, or not ours to read
    }
    if (Blocks(*operation, value)) {
      const int last = semctl(set, operation->sem_num, GETPID);
      return "semaphore " + std::to_string(operation->sem_num) + " of " + whole +
             (last > 0 ? ", last changed by process " + std::to_string(last) : "");
    }
  }
  return whole;
}

}  // namespace gordian::inspect
