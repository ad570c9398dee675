/* Two processes lock two records of one file in opposite orders, but the second lock is only tried: whoever
 * does not get it gives the first one back. */
// EXPECT: clean
#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static int Lock(int file, off_t record, short type, int how) {
  struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = record, .l_len = 1};
  return fcntl(file, how, &lock);
}

static void Move(int file, off_t from, off_t to) {
  Lock(file, from, F_WRLCK, F_SETLKW);
  if (Lock(file, to, F_WRLCK, F_SETLK) == 0) {
    Lock(file, to, F_UNLCK, F_SETLK);
  }
  Lock(file, from, F_UNLCK, F_SETLK);
}

int main(void) {
  char path[] = "accounts.XXXXXX";
  const int file = mkstemp(path);
  unlink(path);
  const pid_t child = fork();
  for (int i = 0; i < 100; ++i) {
    Move(file, child == 0, child != 0);
  }
  if (child == 0) {
    _exit(0);
  }
  int status = 0;
  return waitpid(child, &status, 0) != child || status != 0;
}
