// Parent and child take two shared locks in opposite orders, but the parent waits for the child first, and a
// second child is made after that: no two of them ever meet.
// EXPECT: clean
#include <mutex>

#include "processes.h"

struct Shared {
  ProcessMutex ledger;
  ProcessMutex index;
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
  WaitFor(Child([shared] { Book(shared); }));
  Rebuild(shared);
  WaitFor(Child([shared] { Book(shared); }));
  WaitFor(Child([shared] { Rebuild(shared); }));
}
