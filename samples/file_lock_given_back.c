/* A lock of a file goes with a close of another descriptor when nobody needs it any more. */
// RUN: before
// RUN: at-once
// RUN: together
// RUN: at-exit
// EXPECT: clean
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int Set(int fd, short type) {
  struct flock whole = {.l_type = type, .l_whence = SEEK_SET};
  return fcntl(fd, F_SETLK, &whole);
}

int main(int argc, char** argv) {
  const char* way = argc > 1 ? argv[1] : "before";
  char path[] = "state.XXXXXX";
  const int file = mkstemp(path);
  const int same = open(path, O_RDONLY);
  unlink(path);
  int failed = file < 0 || same < 0 || Set(file, F_WRLCK) || write(file, "1", 1) != 1;
  if (strcmp(way, "before") == 0) {
    failed |= Set(file, F_UNLCK) || close(same) || write(file, "2", 1) != 1;
  } else if (strcmp(way, "at-once") == 0) {
    failed |= close(same) || Set(file, F_UNLCK) || write(file, "2", 1) != 1;
  } else if (strcmp(way, "together") == 0) {
    const unsigned first = (unsigned)(file < same ? file : same);
    failed |= close_range(first, first + 1, 0);
  } else {
    failed |= close(same);
  }
  exit(failed);
}
