// Two threads take two locked files in opposite orders, and this time they meet.
// OPTIONS: --on-deadlock=kill
// HANGS
// EXPECT: deadlock
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <barrier>
#include <thread>

std::barrier both_hold_one(2);

int Lock(const char* path) {
  const int fd = open(path, O_RDWR | O_CREAT, 0600);
  flock(fd, LOCK_EX);
  return fd;
}

void Move(const char* from, const char* to) {
  const int source = Lock(from);
  both_hold_one.arrive_and_wait();
  const int target = Lock(to);
  close(target);
  close(source);
}

int main() {
  std::thread out(Move, "inbox", "archive");
  std::thread back(Move, "archive", "inbox");
  out.join();
  back.join();
}
