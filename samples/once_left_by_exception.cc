// An initialiser that fails is over: what the thread locks after it is not locked inside it. Another thread
// runs it again, with the same lock held.
// EXPECT: clean
#include <mutex>
#include <stdexcept>
#include <thread>

#include "luck.h"

std::once_flag cache_ready;
std::mutex registry_mutex;

[[noreturn]] void Fail() { throw std::runtime_error("no disk"); }

void UseRegistry() {
  char deeper[4096];
  deeper[sizeof(deeper) - 1] = 0;
  std::lock_guard<std::mutex> registry(registry_mutex);
}

int main() {
  Luck failed;
  std::thread first([&] {
    try {
      std::call_once(cache_ready, Fail);
    } catch (const std::runtime_error&) {
      UseRegistry();
    }
    failed.Done();
  });
  std::thread second([&] {
    failed.Wait();
    std::lock_guard<std::mutex> registry(registry_mutex);
    std::call_once(cache_ready, [] {});
  });
  first.join();
  second.join();
}
