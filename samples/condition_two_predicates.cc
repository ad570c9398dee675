// One mutex guards a queue with two conditions, and one condition serves two predicates: both as it should
// be.
// EXPECT: clean
#include <condition_variable>
#include <mutex>
#include <thread>

std::mutex queue_mutex;
std::condition_variable not_empty, not_full;
int length = 0;

void Take(int count) {
  for (int i = 0; i < count; ++i) {
    std::unique_lock lock(queue_mutex);
    not_empty.wait(lock, [] { return length > 0; });
    --length;
    not_full.notify_one();
  }
}

void Put(int count) {
  for (int i = 0; i < count; ++i) {
    std::unique_lock lock(queue_mutex);
    not_full.wait(lock, [] { return length < 2; });
    ++length;
    not_empty.notify_one();
  }
}

int main() {
  std::thread taker(Take, 100), other_taker(Take, 100), putter(Put, 200);
  taker.join();
  other_taker.join();
  putter.join();
}
