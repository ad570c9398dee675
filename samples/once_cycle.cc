// The initialiser of the cache takes the registry's lock, and the registry asks for the cache with its lock
// held. The first attempt fails, which is luck: one thread inside the initialiser and another in the registry
// never end.
// EXPECT: lock-order-cycle
#include <mutex>
#include <stdexcept>
#include <thread>

#include "luck.h"

std::once_flag cache_ready;
std::mutex registry_mutex;
bool disk_is_there = false;

void FillCache() {
  if (!disk_is_there) {
    throw std::runtime_error("no disk");
  }
  std::lock_guard<std::mutex> registry(registry_mutex);
}

void Register() {
  std::lock_guard<std::mutex> registry(registry_mutex);
  try {
    std::call_once(cache_ready, FillCache);
  } catch (const std::runtime_error&) {
  }
}

int main() {
  Luck registered;
  std::thread service([&] {
    Register();
    registered.Done();
  });
  std::thread warmer([&] {
    registered.Wait();
    disk_is_there = true;
    std::call_once(cache_ready, FillCache);
  });
  service.join();
  warmer.join();
}
