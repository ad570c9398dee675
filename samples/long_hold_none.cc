// Computes as long as one that would be told of as long-hold, but outside of the lock; and waits on a
// condition, which gives its mutex up meanwhile.
// EXPECT: clean
// OPTIONS: --hold-ms 60000
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

std::mutex table;
std::condition_variable changed;
bool is_changed;

int main() {
  std::jthread writer([] {
    std::lock_guard lock(table);
    is_changed = true;
    changed.notify_one();
  });
  std::unique_lock lock(table);
  changed.wait(lock, [] { return is_changed; });
  lock.unlock();
  const auto start = std::chrono::steady_clock::now();
  while (std::chrono::steady_clock::now() - start < std::chrono::milliseconds(100)) {
  }
}
