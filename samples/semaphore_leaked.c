/* Makes a named semaphore and shared memory, and unlinks neither. The files go behind libc's back, only so
 * that the sample leaves nothing on the machine. */
// EXPECT: semaphore-leaked
// EXPECT: semaphore-leaked
#include <fcntl.h>
#include <semaphore.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

int main(void) {
  char name[64];
  char file[128];
  snprintf(name, sizeof(name), "/gordian-sample-%d", getpid());
  sem_t* semaphore = sem_open(name, O_CREAT | O_EXCL, 0600, 1);
  const int memory = shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0600);
  if (semaphore == SEM_FAILED || memory < 0) {
    return 1;
  }
  sem_close(semaphore);
  close(memory);
  snprintf(file, sizeof(file), "/dev/shm/sem.%s", name + 1);
  unlink(file);
  snprintf(file, sizeof(file), "/dev/shm%s", name);
  unlink(file);
  return 0;
}
