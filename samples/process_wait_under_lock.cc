// A parent waits for its child while it holds a shared lock that the child takes: late by luck, the child has
// had it already.
// EXPECT: join-order-cycle
#include <mutex>

#include "luck.h"
#include "processes.h"

struct Shared {
  ProcessMutex results;
  Luck stored;
};

int main() {
  auto* shared = InSharedMemory<Shared>();
  const pid_t worker = Child([shared] {
    shared->results.lock();
    shared->results.unlock();
    shared->stored.Done();
  });
  shared->stored.Wait();
  const std::lock_guard<ProcessMutex> results(shared->results);
  WaitFor(worker);
}
