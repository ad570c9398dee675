// C++20's own waits go to the kernel past every lock call of libc. That a thread waits there while it holds a
// mutex is no deadlock: who ends the wait is not known.
// EXPECT: clean
#include <atomic>
#include <barrier>
#include <latch>
#include <mutex>
#include <semaphore>
#include <thread>

std::mutex mutex;
std::counting_semaphore<8> tickets(0);
std::latch ready(2);
std::barrier phase(2);
std::atomic<int> result{0};

void Work() {
  ready.arrive_and_wait();
  phase.arrive_and_wait();
  tickets.acquire();
  result = 42;
  result.notify_one();
}

int main() {
  std::thread worker(Work);
  std::lock_guard<std::mutex> guard(mutex);
  ready.arrive_and_wait();
  phase.arrive_and_wait();
  tickets.release();
  result.wait(0);
  worker.join();
  return result == 42 ? 0 : 1;
}
