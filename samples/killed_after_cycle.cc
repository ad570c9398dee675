// The program that shows the mistake is killed with SIGKILL: what it did until then must not be lost with it.
// EXPECT: lock-order-cycle
#include <csignal>
#include <mutex>
#include <thread>

#include "luck.h"

std::mutex header_mutex;
std::mutex body_mutex;

int main() {
  Luck first;
  std::thread one([&] {
    std::lock_guard<std::mutex> header(header_mutex);
    std::lock_guard<std::mutex> body(body_mutex);
    first.Done();
  });
  std::thread other([&] {
    first.Wait();
    std::lock_guard<std::mutex> body(body_mutex);
    std::lock_guard<std::mutex> header(header_mutex);
  });
  one.join();
  other.join();
  raise(SIGKILL);
}
