// Only the first of two locks is taken with try_lock. The second still blocks for good, so trying is no help.
// EXPECT: lock-order-cycle
#include <mutex>
#include <thread>

#include "luck.h"

std::mutex index_mutex;
std::mutex data_mutex;

void Compact() {
  if (!index_mutex.try_lock()) {
    return;
  }
  std::lock_guard<std::mutex> index(index_mutex, std::adopt_lock);
  std::lock_guard<std::mutex> data(data_mutex);
}

void Insert() {
  std::lock_guard<std::mutex> data(data_mutex);
  std::lock_guard<std::mutex> index(index_mutex);
}

int main() {
  Luck compacted;
  std::thread compactor([&] {
    Compact();
    compacted.Done();
  });
  std::thread writer([&] {
    compacted.Wait();
    Insert();
  });
  compactor.join();
  writer.join();
}
