// A thread looks at a flag until another is through with its locks. Orders that data alone make are not seen:
// it is a potential finding, which the text admits, and `gordian confirm` does not bring it about.
// EXPECT: lock-order-cycle error
#include <unistd.h>

#include <atomic>
#include <mutex>
#include <thread>

std::mutex config;
std::mutex cache;

int main() {
  std::atomic<bool> loaded{false};
  std::thread loader([&] {
    {
      const std::lock_guard<std::mutex> outer(config);
      const std::lock_guard<std::mutex> inner(cache);
    }
    loaded = true;
  });
  while (!loaded) {
    usleep(1000);
  }
  {
    const std::lock_guard<std::mutex> outer(cache);
    const std::lock_guard<std::mutex> inner(config);
  }
  loader.join();
}
