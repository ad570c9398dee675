// Both threads only try the second lock and let the first one go when it is taken.
// EXPECT: clean
#include <barrier>
#include <mutex>
#include <thread>

std::mutex a_mutex;
std::mutex b_mutex;
std::barrier start(2);

void Both(std::mutex& outer, std::mutex& inner) {
  start.arrive_and_wait();
  for (int done = 0; done < 1000;) {
    std::lock_guard<std::mutex> outer_lock(outer);
    if (inner.try_lock()) {
      inner.unlock();
      ++done;
    }
  }
}

int main() {
  std::thread one([] { Both(a_mutex, b_mutex); });
  std::thread other([] { Both(b_mutex, a_mutex); });
  one.join();
  other.join();
}
