/* A worker is killed inside a semaphore that it uses as a lock, as multiprocessing.Lock of Python does, and
 * the parent, which never took it before, waits for it for good. */
// OPTIONS: --on-deadlock=kill
// HANGS
// EXPECT: lock-held-by-killed-process
#include <fcntl.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void) {
  int inside[2];
  char byte;
  sem_t* lock = sem_open("/gordian-sample-killed", O_CREAT | O_EXCL, 0600, 1);
  if (lock == SEM_FAILED || sem_unlink("/gordian-sample-killed") != 0 || pipe(inside) != 0) {
    return 1;
  }
  const pid_t worker = fork();
  if (worker == 0) {
    sem_wait(lock);
    sem_post(lock);
    sem_wait(lock);
    if (write(inside[1], "", 1) == 1) {
      pause();
    }
    _exit(1);
  }
  if (read(inside[0], &byte, 1) != 1) {
    return 1;
  }
  kill(worker, SIGKILL);
  waitpid(worker, NULL, 0);
  return sem_wait(lock);
}
