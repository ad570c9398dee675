// Two threads deadlock and four more queue up behind them: one finding, in which the four are only victims.
// OPTIONS: --on-deadlock=kill
// HANGS
// EXPECT: deadlock
#include <latch>
#include <mutex>
#include <thread>
#include <vector>

std::mutex database_mutex;
std::mutex cache_mutex;
std::latch both_hold_one(2);

void Deadlocked(std::mutex& outer, std::mutex& inner) {
  std::lock_guard<std::mutex> outer_lock(outer);
  both_hold_one.arrive_and_wait();
  std::lock_guard<std::mutex> inner_lock(inner);
}

void Request() {
  both_hold_one.wait();
  std::lock_guard<std::mutex> lock(database_mutex);
}

int main() {
  std::vector<std::thread> threads;
  threads.emplace_back([] { Deadlocked(database_mutex, cache_mutex); });
  threads.emplace_back([] { Deadlocked(cache_mutex, database_mutex); });
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back(Request);
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
}
