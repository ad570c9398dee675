// Waits on a condition of the queue while it holds the lock of the pool: blocking-while-locked, with a limit
// of its own.
// EXPECT: blocking-while-locked
// OPTIONS: --hold-ms 20
#include <chrono>
#include <condition_variable>
#include <mutex>

std::mutex pool_mutex, queue_mutex;
std::condition_variable queue_changed;

int main() {
  std::lock_guard pool(pool_mutex);
  std::unique_lock queue(queue_mutex);
  queue_changed.wait_for(queue, std::chrono::milliseconds(50));
}
