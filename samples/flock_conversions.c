/* One description, many locks on it: shared, exclusive, shared again, through a copy, in a fork child.
 * Nothing waits, since a description is never in its own way. A daemon keeps its lock until it ends. */
// EXPECT: clean
#include <fcntl.h>
#include <pthread.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

static int state;

static void* Convert(void* unused) {
  (void)unused;
  flock(state, LOCK_EX); /* another thread's lock, but the same description */
  flock(dup(state), LOCK_SH);
  return NULL;
}

static void* LeaveLocked(void* unused) {
  (void)unused;
  flock(open("other", O_RDWR | O_CREAT, 0600), LOCK_EX);
  lockf(open("third", O_RDWR | O_CREAT, 0600), F_LOCK, 0);
  return NULL;
}

static void Run(void* (*routine)(void*)) {
  pthread_t thread;
  pthread_create(&thread, NULL, routine, NULL);
  pthread_join(thread, NULL);
}

int main(void) {
  state = open("state", O_RDWR | O_CREAT, 0600);
  flock(state, LOCK_SH);
  flock(state, LOCK_EX);
  Run(Convert);
  Run(LeaveLocked);
  if (fork() == 0) {
    flock(state, LOCK_EX);
    _exit(0);
  }
  wait(NULL);
  flock(state, LOCK_EX);
  return 0;
}
