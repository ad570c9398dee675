// Three thousand short threads, all joined, each with its own locks: nothing may run full.
// EXPECT: clean
#include <mutex>
#include <thread>
#include <vector>

std::mutex total_mutex;
long total = 0;

void Count() {
  std::mutex own_mutex;
  std::lock_guard<std::mutex> own(own_mutex);
  std::lock_guard<std::mutex> lock(total_mutex);
  ++total;
}

int main() {
  for (int round = 0; round < 300; ++round) {
    std::vector<std::thread> threads;
    for (int i = 0; i < 10; ++i) {
      threads.emplace_back(Count);
    }
    for (std::thread& thread : threads) {
      thread.join();
    }
  }
  return total == 3000 ? 0 : 1;
}
