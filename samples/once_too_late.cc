// The routine of a once takes two locks in one order. A thread takes them in the other, and calls the once
// only then: it may meet the routine.
// EXPECT: lock-order-cycle
#include <mutex>
#include <thread>

#include "luck.h"

std::once_flag ready;
std::mutex registry;
std::mutex table;

void Fill() {
  const std::lock_guard<std::mutex> outer(registry);
  const std::lock_guard<std::mutex> inner(table);
}

int main() {
  Luck filled;
  std::thread first([&] {
    std::call_once(ready, Fill);
    filled.Done();
  });
  std::thread late([&] {
    filled.Wait();
    {
      const std::lock_guard<std::mutex> outer(table);
      const std::lock_guard<std::mutex> inner(registry);
    }
    std::call_once(ready, Fill);
  });
  first.join();
  late.join();
}
