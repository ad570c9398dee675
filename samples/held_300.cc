// A table with one lock a bucket is frozen by locking all 300 of them, by two threads in turn.
// EXPECT: clean
#include <barrier>
#include <mutex>
#include <thread>

constexpr int kBuckets = 300;
std::mutex buckets[kBuckets];
std::barrier start(2);

void Freeze() {
  for (std::mutex& bucket : buckets) {
    bucket.lock();
  }
  for (std::mutex& bucket : buckets) {
    bucket.unlock();
  }
}

void Work() {
  start.arrive_and_wait();
  for (int i = 0; i < 5; ++i) {
    Freeze();
  }
}

int main() {
  std::thread one(Work);
  std::thread other(Work);
  one.join();
  other.join();
}
