/* A child stands at a full pipe, and its parent waits for it: but a thread is there that reads, only late. */
// EXPECT: clean
#include <pthread.h>
#include <stddef.h>
#include <sys/wait.h>
#include <unistd.h>

static char report[1 << 20];
static int ends[2];

static void* ReadLate(void* unused) {
  sleep(2);
  while (read(ends[0], report, sizeof(report)) > 0) {
  }
  return unused;
}

int main(void) {
  if (pipe(ends) != 0) {
    return 1;
  }
  const pid_t child = fork();
  if (child == 0) {
    close(ends[0]);
    _exit(write(ends[1], report, sizeof(report)) < 0);
  }
  close(ends[1]);
  pthread_t reader;
  pthread_create(&reader, NULL, ReadLate, NULL);
  waitpid(child, NULL, 0);
  pthread_join(reader, NULL);
  return 0;
}
