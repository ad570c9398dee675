// After an eventfd has woken it, a thread takes the same locks the other way round, but one after the other.
// EXPECT: clean
#include <sys/eventfd.h>

#include <mutex>
#include <thread>

std::mutex config;
std::mutex cache;

int main() {
  const int ready = eventfd(0, EFD_CLOEXEC);
  std::thread loader([&] {
    {
      const std::lock_guard<std::mutex> outer(config);
      const std::lock_guard<std::mutex> inner(cache);
    }
    return eventfd_write(ready, 1);
  });
  eventfd_t count = 0;
  if (eventfd_read(ready, &count) != 0) {
    return 1;
  }
  { const std::lock_guard<std::mutex> alone(cache); }
  { const std::lock_guard<std::mutex> alone(config); }
  loader.join();
}
