// An allocator in the manner of jemalloc: before a fork it takes its locks, after it the parent releases
// them. The child releases one and makes its copy of the other anew, held as it is. That is how a lock gets
// through a fork.
// EXPECT: clean
#include <pthread.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static pthread_mutex_t arena, table = PTHREAD_MUTEX_INITIALIZER;

static void Take(void) {
  pthread_mutex_lock(&table);
  pthread_mutex_lock(&arena);
}
static void Release(void) {
  pthread_mutex_unlock(&arena);
  pthread_mutex_unlock(&table);
}
static void Renew(void) {
  pthread_mutex_unlock(&table);
  pthread_mutex_init(&arena, NULL);
}

int main(void) {
  pthread_mutex_init(&arena, NULL);
  pthread_atfork(Take, Release, Renew);
  pid_t child = fork();
  if (child == 0) {
    pthread_mutex_lock(&arena);
    pthread_mutex_unlock(&arena);
    _exit(7);
  }
  int status = 0;
  waitpid(child, &status, 0);
  printf("the child ended with %d\n", WEXITSTATUS(status));
  return 0;
}
