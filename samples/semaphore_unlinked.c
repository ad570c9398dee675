/* Names that go in time: one is unlinked by a child, one at once after it was opened, and one was there
 * before the program opened it. */
// EXPECT: clean
#include <fcntl.h>
#include <semaphore.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void) {
  char name[64];
  snprintf(name, sizeof(name), "/gordian-sample-%d", getpid());
  sem_t* semaphore = sem_open(name, O_CREAT | O_EXCL, 0600, 1);
  const int memory = shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0600);
  sem_t* again = sem_open(name, O_CREAT, 0600, 1);
  if (semaphore == SEM_FAILED || memory < 0 || again == SEM_FAILED) {
    return 1;
  }
  shm_unlink(name);
  const pid_t child = fork();
  if (child == 0) {
    sem_unlink(name);
    _exit(0);
  }
  waitpid(child, NULL, 0);
  sem_close(again);
  sem_close(semaphore);
  close(memory);
  return 0;
}
