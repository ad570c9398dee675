// A loader says by a pipe that it has begun, and only then takes its locks: the byte orders nothing that
// matters, and luck alone keeps the two apart.
// EXPECT: lock-order-cycle error
#include <unistd.h>

#include <mutex>
#include <thread>

#include "luck.h"

std::mutex config;
std::mutex cache;

int main() {
  int begun[2];
  if (pipe(begun) != 0) {
    return 1;
  }
  Luck luck;
  std::thread loader([&] {
    if (write(begun[1], "1", 1) != 1) {
      return;
    }
    {
      const std::lock_guard<std::mutex> outer(config);
      const std::lock_guard<std::mutex> inner(cache);
    }
    luck.Done();
  });
  char byte = 0;
  if (read(begun[0], &byte, 1) != 1) {
    return 1;
  }
  luck.Wait();
  {
    const std::lock_guard<std::mutex> outer(cache);
    const std::lock_guard<std::mutex> inner(config);
  }
  loader.join();
}
