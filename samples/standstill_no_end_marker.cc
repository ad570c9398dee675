// The producer has delivered all it had and is gone; the consumers wait for more, and main waits for them.
// OPTIONS: --on-deadlock=kill
// HANGS
// EXPECT: deadlock
#include <semaphore.h>

#include <mutex>
#include <queue>
#include <thread>

std::mutex mutex;
std::queue<int> items;
sem_t filled;

void Produce() {
  for (int item = 0; item < 10; ++item) {
    const std::lock_guard<std::mutex> lock(mutex);
    items.push(item);
    sem_post(&filled);
  }
}

void Consume() {
  for (;;) {
    sem_wait(&filled);
    const std::lock_guard<std::mutex> lock(mutex);
    items.pop();
  }
}

int main() {
  sem_init(&filled, 0, 0);
  std::thread one(Consume);
  std::thread other(Consume);
  Produce();
  one.join();
  other.join();
}
