// Two threads read-lock a range of a file, each through a descriptor of its own, and both want to write it:
// each waits for the other's read lock. The kernel looks for deadlocks of the old fcntl locks only.
// OPTIONS: --on-deadlock=kill
// HANGS
// EXPECT: deadlock
#include <fcntl.h>
#include <unistd.h>

#include <barrier>
#include <thread>

std::barrier both_read(2);

void Lock(int fd, short type) {
  struct flock range = {};
  range.l_type = type;
  range.l_whence = SEEK_SET;
  range.l_len = 100;
  fcntl(fd, F_OFD_SETLKW, &range);
}

void Update() {
  const int fd = open("table", O_RDWR | O_CREAT, 0600);
  Lock(fd, F_RDLCK);
  both_read.arrive_and_wait();
  Lock(fd, F_WRLCK);
  close(fd);
}

int main() {
  std::thread first(Update);
  std::thread second(Update);
  first.join();
  second.join();
}
