// Only one of the two threads takes the gate lock, so it keeps nobody out.
// EXPECT: lock-order-cycle
#include <mutex>
#include <thread>

#include "luck.h"

std::mutex gate_mutex;
std::mutex in_mutex;
std::mutex out_mutex;

void Forward() {
  std::lock_guard<std::mutex> gate(gate_mutex);
  std::lock_guard<std::mutex> in(in_mutex);
  std::lock_guard<std::mutex> out(out_mutex);
}

void Reply() {
  std::lock_guard<std::mutex> out(out_mutex);
  std::lock_guard<std::mutex> in(in_mutex);
}

int main() {
  Luck forwarded;
  std::thread forwarder([&] {
    Forward();
    forwarded.Done();
  });
  std::thread replier([&] {
    forwarded.Wait();
    Reply();
  });
  forwarder.join();
  replier.join();
}
