/* Two System V semaphores taken together, in whatever order they are named: the kernel gives both or none. */
// EXPECT: clean
#include <pthread.h>
#include <sys/ipc.h>
#include <sys/sem.h>

static int set;

static void* Forth(void* unused) {
  struct sembuf take[] = {{0, -1, SEM_UNDO}, {1, -1, SEM_UNDO}};
  struct sembuf give[] = {{0, 1, SEM_UNDO}, {1, 1, SEM_UNDO}};
  for (int i = 0; i < 100; ++i) semop(set, take, 2), semop(set, give, 2);
  return unused;
}

static void* Back(void* unused) {
  struct sembuf take[] = {{1, -1, SEM_UNDO}, {0, -1, SEM_UNDO}};
  struct sembuf give[] = {{1, 1, SEM_UNDO}, {0, 1, SEM_UNDO}};
  for (int i = 0; i < 100; ++i) semop(set, take, 2), semop(set, give, 2);
  return unused;
}

int main(void) {
  pthread_t forth, back;
  unsigned short ones[] = {1, 1};
  set = semget(IPC_PRIVATE, 2, 0600);
  semctl(set, 0, SETALL, ones);
  pthread_create(&forth, NULL, Forth, NULL);
  pthread_create(&back, NULL, Back, NULL);
  pthread_join(forth, NULL);
  pthread_join(back, NULL);
  return semctl(set, 0, IPC_RMID);
}
