// Two orders, but each under the same gate lock from before the first lock until after the last one: the two
// can never overlap.
// EXPECT: clean
#include <mutex>
#include <thread>

#include "luck.h"

std::mutex gate_mutex;
std::mutex left_mutex;
std::mutex right_mutex;

void LeftThenRight() {
  std::lock_guard<std::mutex> gate(gate_mutex);
  std::lock_guard<std::mutex> left(left_mutex);
  std::lock_guard<std::mutex> right(right_mutex);
}

void RightThenLeft() {
  std::lock_guard<std::mutex> gate(gate_mutex);
  std::lock_guard<std::mutex> right(right_mutex);
  std::lock_guard<std::mutex> left(left_mutex);
}

int main() {
  Luck first;
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
