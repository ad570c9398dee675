// A thread closes one of two descriptors of a locked file: the lock stays, since both are of one open file
// description, and then it takes a mutex. Another thread takes the two the other way round.
// EXPECT: lock-order-cycle
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <mutex>
#include <thread>

#include "luck.h"

std::mutex mutex;

int LockFile() {
  const int fd = open("file", O_RDWR | O_CREAT, 0600);
  flock(fd, LOCK_EX);
  return fd;
}

int main() {
  Luck first;
  std::thread copying([&] {
    const int fd = LockFile();
    const int copy = dup(fd);
    close(fd);
    { std::lock_guard<std::mutex> guard(mutex); }
    close(copy);
    first.Done();
  });
  std::thread other([&] {
    first.Wait();
    std::lock_guard<std::mutex> guard(mutex);
    close(LockFile());
  });
  copying.join();
  other.join();
}
