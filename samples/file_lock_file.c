// Two processes count in a file in the way that git updates its references: the new text is written into a
// lock file, which only one can create, and renamed over the old one. Both look at the file before they have
// the lock, too, but what they write comes from what they read under it.
// EXPECT: clean
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static int Read(const char* name) {
  int number = 0;
  FILE* file = fopen(name, "r");
  if (file == NULL || fscanf(file, "%d", &number) != 1) _exit(1);
  fclose(file);
  return number;
}

static void Count(int to_other, int from_other) {
  char byte = 0;
  int lock;
  Read("counter");
  if (write(to_other, &byte, 1) != 1 || read(from_other, &byte, 1) != 1) _exit(1);  // both have read it
  while ((lock = open("counter.lock", O_WRONLY | O_CREAT | O_EXCL, 0600)) < 0 && errno == EEXIST) {
    sched_yield();
  }
  dprintf(lock, "%d\n", Read("counter") + 1);
  close(lock);
  rename("counter.lock", "counter");
}

int main(void) {
  int forth[2], back[2];
  FILE* file = fopen("counter", "w");
  fputs("0\n", file);
  fclose(file);
  if (pipe(forth) != 0 || pipe(back) != 0) return 1;
  if (fork() == 0) {
    Count(back[1], forth[0]);
    _exit(0);
  }
  Count(forth[1], back[0]);
  wait(NULL);
  return Read("counter") == 2 ? 0 : 1;
}
