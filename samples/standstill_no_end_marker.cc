// The producer has delivered all it had and is gone; the consumers wait for more, and main waits for them.
// OPTIONS: --on-deadlock=kill
// HANGS
// EXPECT: deadlock
#include <condition_variable>
#include <mutex>
#include <queue>
#include <thread>

std::mutex mutex;
std::condition_variable filled;
std::queue<int> items;

void Produce() {
  for (int item = 0; item < 10; ++item) {
    const std::lock_guard<std::mutex> lock(mutex);
    items.push(item);
    filled.notify_one();
  }
}

void Consume() {
  for (;;) {
    std::unique_lock<std::mutex> lock(mutex);
    filled.wait(lock, [] { return !items.empty(); });
    items.pop();
  }
}

int main() {
  std::thread one(Consume);
  std::thread other(Consume);
  Produce();
  one.join();
  other.join();
}
