// Two producers and two consumers share a queue with two condition variables.
// EXPECT: clean
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

std::mutex queue_mutex;
std::condition_variable not_empty, not_full;
std::deque<int> queue;
long sum = 0;

void Produce() {
  for (int i = 1; i <= 1000; ++i) {
    std::unique_lock<std::mutex> lock(queue_mutex);
    not_full.wait(lock, [] { return queue.size() < 8; });
    queue.push_back(i);
    not_empty.notify_one();
  }
}

void Consume() {
  for (int i = 1; i <= 1000; ++i) {
    std::unique_lock<std::mutex> lock(queue_mutex);
    not_empty.wait(lock, [] { return !queue.empty(); });
    sum += queue.front();
    queue.pop_front();
    not_full.notify_one();
  }
}

int main() {
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back(Produce);
    threads.emplace_back(Consume);
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  return sum == 2 * 500500 ? 0 : 1;
}
