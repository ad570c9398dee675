// Two orders, but both threads wait for their second lock with a timeout: they may lose time, not hang.
// EXPECT: clean
#include <chrono>
#include <mutex>
#include <thread>

#include "luck.h"

using std::chrono::seconds;

std::timed_mutex a_mutex;
std::timed_mutex b_mutex;

void Both(std::timed_mutex& outer, std::timed_mutex& inner) {
  std::lock_guard<std::timed_mutex> outer_lock(outer);
  if (inner.try_lock_for(seconds(5))) {
    inner.unlock();
  }
}

int main() {
  Luck first;
  std::thread one([&] {
    Both(a_mutex, b_mutex);
    first.Done();
  });
  std::thread other([&] {
    first.Wait();
    Both(b_mutex, a_mutex);
  });
  one.join();
  other.join();
}
