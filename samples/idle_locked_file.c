/* A process waits for a file that another one has locked for long: that one is busy, and will be done. */
// EXPECT: clean
#include <fcntl.h>
#include <semaphore.h>
#include <stddef.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static int Open(void) { return open("idle_locked_file", O_CREAT | O_RDWR, 0600); }

int main(void) {
  sem_t* locked = mmap(NULL, sizeof(sem_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  sem_init(locked, 1, 0);
  const pid_t child = fork();
  if (child == 0) {
    flock(Open(), LOCK_EX);
    sem_post(locked);
    sleep(2);
    _exit(0);
  }
  sem_wait(locked);
  flock(Open(), LOCK_EX);
  waitpid(child, NULL, 0);
  return 0;
}
