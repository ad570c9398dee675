/* A process locks its file, and loses the lock as it closes a copy of the descriptor. Another process takes
 * it then, and the first one never learns of that. */
// RUN: close
// RUN: fclose
// RUN: dup2
// RUN: lockf
// EXPECT: file-lock-lost error
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int LockWhole(int fd) {
  struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  return fcntl(fd, F_SETLK, &whole);
}

int main(int argc, char** argv) {
  const char* way = argc > 1 ? argv[1] : "close";
  char path[] = "state.XXXXXX";
  const int file = mkstemp(path);
  const int copy = dup(file);
  int failed =
      file < 0 || copy < 0 || (strcmp(way, "lockf") == 0 ? lockf(file, F_TLOCK, 0) : LockWhole(file)) != 0;
  if (strcmp(way, "fclose") == 0) {
    failed |= fclose(fdopen(copy, "r+")) != 0;
  } else if (strcmp(way, "dup2") == 0) {
    failed |= dup2(STDERR_FILENO, copy) < 0;
  } else {
    failed |= close(copy) != 0;
  }
  int status = 0;
  if (fork() == 0) {
    _exit(LockWhole(open(path, O_RDWR)) != 0);
  }
  wait(&status);
  unlink(path);
  return failed || status != 0;
}
