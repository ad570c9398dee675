// The parent holds a gate lock while two children run. Both run under the same acquisition of the gate, so it
// does not keep them apart: their two orders can hang.
// EXPECT: lock-order-cycle
#include <mutex>
#include <thread>

#include "luck.h"

std::mutex gate_mutex;
std::mutex left_mutex;
std::mutex right_mutex;

void LeftThenRight() {
  std::lock_guard<std::mutex> left(left_mutex);
  std::lock_guard<std::mutex> right(right_mutex);
}

void RightThenLeft() {
  std::lock_guard<std::mutex> right(right_mutex);
  std::lock_guard<std::mutex> left(left_mutex);
}

int main() {
  Luck first;
  std::lock_guard<std::mutex> gate(gate_mutex);
  std::thread one([&] {
    LeftThenRight();
    first.Done();
  });
  std::thread other([&] {
    first.Wait();
    RightThenLeft();
  });
  one.join();
  other.join();
}
