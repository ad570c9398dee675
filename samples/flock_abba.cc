// Two jobs of a server each lock two files, in opposite orders. A lock on a file waits like any other: one
// day each job has one file and waits for the other.
// EXPECT: lock-order-cycle
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <thread>

#include "luck.h"

class FileLock {
 public:
  explicit FileLock(const char* path) : fd_(open(path, O_RDWR | O_CREAT, 0600)) { flock(fd_, LOCK_EX); }
  ~FileLock() { close(fd_); }
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

 private:
  int fd_;
};

void Import() {
  const FileLock queue("queue.lock");
  const FileLock index("index.lock");
}

void Rebuild() {
  const FileLock index("index.lock");
  const FileLock queue("queue.lock");
}

int main() {
  Luck first;
  std::thread importer([&] {
    Import();
    first.Done();
  });
  std::thread rebuilder([&] {
    first.Wait();
    Rebuild();
  });
  importer.join();
  rebuilder.join();
}
