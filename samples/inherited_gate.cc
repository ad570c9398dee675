// The parent holds the gate from before it creates the child until after it joins it, so the child runs under
// the gate without touching it. The other thread takes the gate itself: the two orders can never overlap.
// EXPECT: clean
#include <mutex>
#include <thread>

#include "luck.h"

std::mutex gate_mutex;
std::mutex left_mutex;
std::mutex right_mutex;

void Rebuild() {
  std::lock_guard<std::mutex> gate(gate_mutex);
  std::thread helper([] {
    std::lock_guard<std::mutex> left(left_mutex);
    std::lock_guard<std::mutex> right(right_mutex);
  });
  helper.join();
}

void Query() {
  std::lock_guard<std::mutex> gate(gate_mutex);
  std::lock_guard<std::mutex> right(right_mutex);
  std::lock_guard<std::mutex> left(left_mutex);
}

int main() {
  Luck rebuilt;
  std::thread rebuilder([&] {
    Rebuild();
    rebuilt.Done();
  });
  std::thread client([&] {
    rebuilt.Wait();
    Query();
  });
  rebuilder.join();
  client.join();
}
