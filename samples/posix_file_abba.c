/* Two processes lock two records of one file in opposite orders. The kernel sees such a ring: one of them
 * would get EDEADLK instead of hanging, which few programs expect. */
// EXPECT: lock-order-cycle warning
#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static int Lock(int file, off_t record, short type) {
  struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = record, .l_len = 1};
  return fcntl(file, F_SETLKW, &lock);
}

static int Move(int file, off_t from, off_t to) {
  if (Lock(file, from, F_WRLCK) != 0 || Lock(file, to, F_WRLCK) != 0) {
    return 1;
  }
  return Lock(file, to, F_UNLCK) != 0 || Lock(file, from, F_UNLCK) != 0;
}

int main(void) {
  char path[] = "accounts.XXXXXX";
  const int file = mkstemp(path);
  unlink(path);
  int ready[2];
  if (file < 0 || pipe(ready) != 0) {
    return 1;
  }
  const pid_t child = fork();
  if (child == 0) {
    char moved;  // its parent is done: luck alone
    _exit(read(ready[0], &moved, 1) != 1 || Move(file, 1, 0));
  }
  int failed = Move(file, 0, 1) || write(ready[1], "", 1) != 1;
  int status = 0;
  waitpid(child, &status, 0);
  return failed || status != 0;
}
