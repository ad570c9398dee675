// Two threads lock two ranges of a file in opposite orders with fcntl. Such locks belong to the process: its
// threads are never in each other's way, whoever locks, locks again or unlocks.
// EXPECT: clean
#include <fcntl.h>
#include <unistd.h>

#include <mutex>
#include <thread>

std::mutex mutex;
int table = -1;

void Lock(short type, off_t start) {
  struct flock range = {};
  range.l_type = type;
  range.l_whence = SEEK_SET;
  range.l_start = start;
  range.l_len = 10;
  fcntl(table, F_SETLKW, &range);
}

void Forth() {
  Lock(F_RDLCK, 0);
  Lock(F_WRLCK, 100);
  std::lock_guard<std::mutex> guard(mutex);
  Lock(F_WRLCK, 0);
  Lock(F_UNLCK, 100);
}

void Back() {
  std::lock_guard<std::mutex> guard(mutex);
  Lock(F_WRLCK, 100);
  Lock(F_WRLCK, 0);
  Lock(F_UNLCK, 0);
}

int main() {
  table = open("table", O_RDWR | O_CREAT, 0600);
  std::thread forth(Forth);
  std::thread back(Back);
  forth.join();
  back.join();
  close(table);
}
