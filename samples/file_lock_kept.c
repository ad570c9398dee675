/* A lock of a file that stays when another descriptor of the file is closed. */
// RUN: open-file-lock
// RUN: flock
// RUN: another-file
// RUN: child-closes
// EXPECT: clean
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

static int Set(int fd, int command) {
  struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  return fcntl(fd, command, &whole);
}

int main(int argc, char** argv) {
  const char* way = argc > 1 ? argv[1] : "flock";
  char path[] = "state.XXXXXX";
  const int file = mkstemp(path);
  const int same = open(path, O_RDONLY);
  const int other = open("other", O_RDWR | O_CREAT, 0600);
  int failed = file < 0 || same < 0 || other < 0;
  int status = 0;
  if (strcmp(way, "open-file-lock") == 0) {
    failed |= Set(file, F_OFD_SETLK) || close(same);
  } else if (strcmp(way, "flock") == 0) {
    failed |= flock(file, LOCK_EX) || close(same);
  } else if (strcmp(way, "another-file") == 0) {
    failed |= Set(file, F_SETLK) || close(other);
  } else {
    failed |= Set(file, F_SETLK);
    if (fork() == 0) {
      _exit(close(same)); /* the child has no lock to lose */
    }
    wait(&status);
  }
  failed |= write(file, "1", 1) != 1;
  unlink(path);
  return failed || status != 0;
}
