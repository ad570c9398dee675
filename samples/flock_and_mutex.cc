// A cache guards its file with flock and its memory with a mutex. Saving takes the mutex first, loading the
// file: two kinds of lock, one ring.
// EXPECT: lock-order-cycle
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <mutex>
#include <thread>

#include "luck.h"

std::mutex cache_mutex;

int OpenCache() { return open("cache", O_RDWR | O_CREAT, 0600); }

void Save() {
  std::lock_guard<std::mutex> cache(cache_mutex);
  const int fd = OpenCache();
  flock(fd, LOCK_EX);
  flock(fd, LOCK_UN);
  close(fd);
}

void Load() {
  const int fd = OpenCache();
  flock(fd, LOCK_SH);
  { std::lock_guard<std::mutex> cache(cache_mutex); }
  flock(fd, LOCK_UN);
  close(fd);
}

int main() {
  Luck saved;
  std::thread saver([&] {
    Save();
    saved.Done();
  });
  std::thread loader([&] {
    saved.Wait();
    Load();
  });
  saver.join();
  loader.join();
}
