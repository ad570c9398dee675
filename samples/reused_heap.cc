// Locks on the heap die without a destroy call and new ones are born at the same addresses, the other way
// round. By address the orders contradict each other; they are orders of different locks.
// EXPECT: clean
#include <latch>
#include <mutex>
#include <thread>

struct Session {
  std::mutex mutex;
  char data[200] = {};
};

void Both(Session* outer, Session* inner) {
  std::lock_guard<std::mutex> outer_lock(outer->mutex);
  std::lock_guard<std::mutex> inner_lock(inner->mutex);
}

int main() {
  std::latch used(1), reborn(1);
  Session* first = new Session;
  Session* second = new Session;
  std::thread one([&] {
    Both(first, second);
    used.count_down();
    reborn.wait();
  });
  std::thread other([&] {
    reborn.wait();
    Both(first, second);
  });
  used.wait();
  delete second;
  delete first;
  second = new Session;  // where first was, as a rule
  first = new Session;
  if (first > second) {
    std::swap(first, second);
  }
  std::swap(first, second);
  reborn.count_down();
  one.join();
  other.join();
  delete first;
  delete second;
}
