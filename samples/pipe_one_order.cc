// What a pipe hands over changes nothing where both take their locks in one order.
// EXPECT: clean
#include <unistd.h>

#include <mutex>
#include <thread>

std::mutex config;
std::mutex cache;

int main() {
  int ends[2];
  if (pipe(ends) != 0) {
    return 1;
  }
  std::thread loader([&] {
    {
      const std::lock_guard<std::mutex> outer(config);
      const std::lock_guard<std::mutex> inner(cache);
    }
    return write(ends[1], "1", 1);
  });
  char byte = 0;
  if (read(ends[0], &byte, 1) != 1) {
    return 1;
  }
  {
    const std::lock_guard<std::mutex> outer(config);
    const std::lock_guard<std::mutex> inner(cache);
  }
  loader.join();
}
