// Two threads wait for each other, and forty more queue for a lock that one of them has: that is one
// deadlock.
// OPTIONS: --on-deadlock=kill
// HANGS
// EXPECT: deadlock
#include <barrier>
#include <mutex>
#include <thread>
#include <vector>

std::mutex index_mutex;
std::mutex log_mutex;
std::barrier both_hold_one(2);

void Update(std::mutex& outer, std::mutex& inner) {
  const std::lock_guard<std::mutex> outer_lock(outer);
  both_hold_one.arrive_and_wait();
  const std::lock_guard<std::mutex> inner_lock(inner);
}

int main() {
  std::vector<std::thread> threads;
  threads.emplace_back([] { Update(index_mutex, log_mutex); });
  threads.emplace_back([] { Update(log_mutex, index_mutex); });
  for (int reader = 0; reader < 40; ++reader) {
    threads.emplace_back([] { const std::lock_guard<std::mutex> lock(index_mutex); });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
}
