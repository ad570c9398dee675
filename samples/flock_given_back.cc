// One thread takes a file and later a mutex, another the mutex and then the file. But the first has given the
// file back before: by unlocking it, or by closing its last descriptor in one of many ways.
// RUN: close
// RUN: unlock
// RUN: fclose
// RUN: dup2
// RUN: close_range
// EXPECT: clean
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cstdio>
#include <mutex>
#include <thread>

#include "luck.h"

std::mutex mutex;

int LockFile() {
  const int fd = open("file", O_RDWR | O_CREAT, 0600);
  flock(fd, LOCK_EX);
  return fd;
}

void GiveBack(std::string_view how, int fd) {
  if (how == "unlock") return void(flock(dup(fd), LOCK_UN));
  if (how == "fclose") return void(fclose(fdopen(fd, "r+")));
  if (how == "dup2") return void(dup2(STDIN_FILENO, fd));
  if (how == "close_range")
    return void(close_range(static_cast<unsigned>(fd), static_cast<unsigned>(fd) + 5, 0));
  close(fd);
}

int main(int, char** argv) {
  Luck first;
  std::thread giving([&] {
    GiveBack(argv[1], LockFile());
    std::lock_guard<std::mutex> guard(mutex);
    first.Done();
  });
  std::thread other([&] {
    first.Wait();
    std::lock_guard<std::mutex> guard(mutex);
    close(LockFile());
  });
  giving.join();
  other.join();
}
