// A local mutex lives in a stack frame, and the next call of the same function has another one in the same
// place. The first is locked inside the global lock, the second one outside.
// EXPECT: clean
#include <latch>
#include <mutex>
#include <thread>

std::mutex global_mutex;

struct Mailbox {
  std::latch filled{1}, emptied{1};
  std::mutex* mutex = nullptr;
};

void Lend(Mailbox& mailbox) {
  std::mutex local;
  mailbox.mutex = &local;
  mailbox.filled.count_down();
  mailbox.emptied.wait();
}

int main() {
  Mailbox first, second;
  std::thread one([&] {
    first.filled.wait();
    {
      std::lock_guard<std::mutex> global(global_mutex);
      std::lock_guard<std::mutex> local(*first.mutex);
    }
    first.emptied.count_down();
    second.emptied.wait();
  });
  std::thread other([&] {
    second.filled.wait();
    {
      std::lock_guard<std::mutex> local(*second.mutex);
      std::lock_guard<std::mutex> global(global_mutex);
    }
    second.emptied.count_down();
  });
  Lend(first);
  Lend(second);
  one.join();
  other.join();
  return first.mutex == second.mutex ? 0 : 1;
}
