// Two processes take two shared locks in opposite orders, each only while it has a lock on the same file: one
// of them at a time.
// EXPECT: clean
#include <fcntl.h>
#include <sys/file.h>

#include <mutex>

#include "processes.h"

struct Shared {
  ProcessMutex ledger;
  ProcessMutex index;
};

class Gate {
 public:
  Gate() : file_(open("gate.lock", O_RDWR | O_CREAT, 0600)) { flock(file_, LOCK_EX); }
  ~Gate() { close(file_); }
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;

 private:
  int file_;
};

int main() {
  auto* shared = InSharedMemory<Shared>();
  const pid_t booker = Child([shared] {
    const Gate gate;
    const std::lock_guard<ProcessMutex> ledger(shared->ledger);
    const std::lock_guard<ProcessMutex> index(shared->index);
  });
  const pid_t rebuilder = Child([shared] {
    const Gate gate;
    const std::lock_guard<ProcessMutex> index(shared->index);
    const std::lock_guard<ProcessMutex> ledger(shared->ledger);
  });
  WaitFor(booker);
  WaitFor(rebuilder);
}
