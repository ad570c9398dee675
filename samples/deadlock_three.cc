// Three threads in a ring, each holding the lock that the one before it waits for.
// OPTIONS: --on-deadlock=kill
// HANGS
// EXPECT: deadlock
#include <barrier>
#include <mutex>
#include <thread>
#include <vector>

std::mutex stages[3];
std::barrier all_hold_one(3);

void Pass(int stage) {
  std::lock_guard<std::mutex> own(stages[stage]);
  all_hold_one.arrive_and_wait();
  std::lock_guard<std::mutex> next(stages[(stage + 1) % 3]);
}

int main() {
  std::vector<std::thread> threads;
  for (int stage = 0; stage < 3; ++stage) {
    threads.emplace_back(Pass, stage);
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
}
