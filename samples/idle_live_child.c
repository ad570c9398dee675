/* All threads of a process wait for a post, a byte or the end of a child that takes its time. */
// RUN: post
// RUN: byte
// RUN: end
// EXPECT: clean
#include <pthread.h>
#include <semaphore.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static sem_t work;

static void* Work(void* unused) {
  sem_wait(&work);
  return unused;
}

int main(int argc, char** argv) {
  const char* how = argc > 1 ? argv[1] : "end";
  char byte = 0;
  int ends[2];
  sem_t* done = mmap(NULL, sizeof(sem_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  sem_init(done, 1, 0);
  if (pipe(ends) != 0) {
    return 1;
  }
  const pid_t child = fork();
  if (child == 0) {
    sleep(2);
    sem_post(done);
    _exit(write(ends[1], &byte, 1) != 1);
  }
  pthread_t worker;
  pthread_create(&worker, NULL, Work, NULL);
  if (strcmp(how, "post") == 0) {
    sem_wait(done);
  } else if (strcmp(how, "byte") == 0 && read(ends[0], &byte, 1) != 1) {
    return 1;
  }
  waitpid(child, NULL, 0);
  sem_post(&work);
  pthread_join(worker, NULL);
  return 0;
}
