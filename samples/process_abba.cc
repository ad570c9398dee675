// Two worker processes share two locks in shared memory and take them in opposite orders. It goes well as
// long as the one is done before the other comes.
// EXPECT: lock-order-cycle
#include <mutex>

#include "luck.h"
#include "processes.h"

struct Shared {
  ProcessMutex ledger;
  ProcessMutex index;
  Luck booked;
};

void Book(Shared* shared) {
  const std::lock_guard<ProcessMutex> ledger(shared->ledger);
  const std::lock_guard<ProcessMutex> index(shared->index);
}

void Rebuild(Shared* shared) {
  const std::lock_guard<ProcessMutex> index(shared->index);
  const std::lock_guard<ProcessMutex> ledger(shared->ledger);
}

int main() {
  auto* shared = InSharedMemory<Shared>();
  const pid_t booker = Child([shared] {
    Book(shared);
    shared->booked.Done();
  });
  const pid_t rebuilder = Child([shared] {
    shared->booked.Wait();
    Rebuild(shared);
  });
  WaitFor(booker);
  WaitFor(rebuilder);
}
