// Parent and child take two mutexes in opposite orders, each its own: after the fork they are copies at the
// same addresses, and nobody waits for a copy.
// EXPECT: clean
#include <mutex>

#include "processes.h"

std::mutex ledger;
std::mutex* const index_mutex = new std::mutex;

int main() {
  {
    // Known before the fork, so that the child's copies are told from new locks.
    const std::lock_guard<std::mutex> once(ledger);
    const std::lock_guard<std::mutex> twice(*index_mutex);
  }
  const pid_t child = Child([] {
    const std::lock_guard<std::mutex> outer(*index_mutex);
    const std::lock_guard<std::mutex> inner(ledger);
  });
  {
    const std::lock_guard<std::mutex> outer(ledger);
    const std::lock_guard<std::mutex> inner(*index_mutex);
  }
  WaitFor(child);
}
