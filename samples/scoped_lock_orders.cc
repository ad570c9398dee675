// std::scoped_lock takes two locks in both orders at the same time; it backs off where it would have to wait.
// EXPECT: clean
#include <barrier>
#include <mutex>
#include <thread>

std::mutex a_mutex;
std::mutex b_mutex;
std::barrier start(2);

void Swap(std::mutex& first, std::mutex& second) {
  start.arrive_and_wait();
  for (int i = 0; i < 20000; ++i) {
    std::scoped_lock lock(first, second);
  }
}

int main() {
  std::thread one([] { Swap(a_mutex, b_mutex); });
  std::thread other([] { Swap(b_mutex, a_mutex); });
  one.join();
  other.join();
}
