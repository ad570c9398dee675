// A process forks while another thread has a file locked: no memory is locked in the child, and the child
// shares the lock of flock but has none of fcntl's.
// EXPECT: clean
#include <fcntl.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <latch>
#include <thread>

std::latch locked(1), forked(1);

int main() {
  const int fd = open("file", O_RDWR | O_CREAT, 0600);
  std::thread holder([fd] {
    flock(fd, LOCK_EX);
    if (lockf(fd, F_LOCK, 0) == 0) locked.count_down();
    forked.wait();
    flock(fd, LOCK_UN);
  });
  locked.wait();
  const pid_t child = fork();
  if (child == 0) {
    const bool free = flock(fd, LOCK_EX) == 0 && lockf(fd, F_TLOCK, 0) != 0;
    _exit(free ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  forked.count_down();
  holder.join();
  return WEXITSTATUS(status);
}
