// A socket tells that the other thread is through, and its join enforces it before the locks are taken the
// other way round.
// EXPECT: clean
#include <sys/socket.h>

#include <mutex>
#include <thread>

std::mutex config;
std::mutex cache;

int main() {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) {
    return 1;
  }
  std::thread loader([&] {
    {
      const std::lock_guard<std::mutex> outer(config);
      const std::lock_guard<std::mutex> inner(cache);
    }
    return send(ends[1], "1", 1, 0);
  });
  char byte = 0;
  if (recv(ends[0], &byte, 1, 0) != 1) {
    return 1;
  }
  loader.join();
  const std::lock_guard<std::mutex> outer(cache);
  const std::lock_guard<std::mutex> inner(config);
}
