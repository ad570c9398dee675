// A loader takes two locks in one order and then writes to a pipe; the user reads from it and takes them in
// the other order. Nothing happens as long as everybody waits for that byte first, which no lock enforces.
// EXPECT: lock-order-cycle warning
#include <unistd.h>

#include <mutex>
#include <thread>

std::mutex config;
std::mutex cache;

int main() {
  int loaded[2];
  if (pipe(loaded) != 0) {
    return 1;
  }
  std::thread loader([&] {
    {
      const std::lock_guard<std::mutex> outer(config);
      const std::lock_guard<std::mutex> inner(cache);
    }
    return write(loaded[1], "1", 1);
  });
  char byte = 0;
  if (read(loaded[0], &byte, 1) != 1) {
    return 1;
  }
  {
    const std::lock_guard<std::mutex> outer(cache);
    const std::lock_guard<std::mutex> inner(config);
  }
  loader.join();
}
