/* A program locks its file. A helper opens the file once more to look into it, and closes it: the lock is
 * gone. */
// EXPECT: file-lock-lost warning
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static char path[] = "state.XXXXXX";

static int ReadState(void) {
  char state = 0;
  const int reader = open(path, O_RDONLY);
  const int failed = read(reader, &state, 1) < 0;
  close(reader);
  return failed;
}

int main(void) {
  const int file = mkstemp(path);
  struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  int failed = file < 0 || fcntl(file, F_SETLK, &whole) != 0;
  failed |= ReadState() || write(file, "1", 1) != 1;
  unlink(path);
  return failed;
}
