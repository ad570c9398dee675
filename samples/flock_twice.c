/* A function that locks the file opens it again, in a caller that has it locked: another open file
 * description, for which the first one's lock is a stranger's. */
// OPTIONS: --on-deadlock=kill
// HANGS
// EXPECT: self-deadlock
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

static int LockState(void) {
  const int fd = open("state", O_RDWR | O_CREAT, 0600);
  flock(fd, LOCK_EX);
  return fd;
}

static void AppendLog(void) {
  const int fd = LockState();
  close(fd);
}

int main(void) {
  const int fd = LockState();
  AppendLog();
  close(fd);
  return 0;
}
