// A pool of objects: each use constructs them anew in the same memory, where a mutex has neither an init nor
// a destroy call. The second use takes them in the other order.
// EXPECT: clean
#include <latch>
#include <mutex>
#include <new>
#include <thread>

struct Task {
  std::mutex mutex;
};

alignas(Task) char pool[2][sizeof(Task)];

void Both(Task* outer, Task* inner) {
  std::lock_guard<std::mutex> outer_lock(outer->mutex);
  std::lock_guard<std::mutex> inner_lock(inner->mutex);
}

int main() {
  std::latch used(1), recycled(1);
  Task* low = new (pool[0]) Task;
  Task* high = new (pool[1]) Task;
  std::thread one([&] {
    Both(low, high);
    used.count_down();
    recycled.wait();
  });
  std::thread other([&] {
    recycled.wait();
    Both(high, low);
  });
  used.wait();
  low->~Task();
  high->~Task();
  low = new (pool[0]) Task;
  high = new (pool[1]) Task;
  recycled.count_down();
  one.join();
  other.join();
}
