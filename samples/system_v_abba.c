/* Two System V semaphores of one as locks, taken one by one in two orders. Taken in one call they would be in
 * none. */
// EXPECT: lock-order-cycle
#include <pthread.h>
#include <stdatomic.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <unistd.h>

static int set;
static atomic_int moved;

static void Change(unsigned short number, short by) {
  struct sembuf operation = {number, by, 0};
  semop(set, &operation, 1);
}

static void Both(short by) {
  struct sembuf operations[] = {{1, by, 0}, {0, by, 0}};
  semop(set, operations, 2);
}

static void* Move(void* unused) {
  Change(0, -1);
  Change(1, -1);
  Both(1);
  moved = 1;
  return unused;
}

static void* MoveBack(void* unused) {
  /* Patience, not order: the move is usually over by now. */
  for (int ms = 0; ms < 20000 && !moved; ++ms) usleep(1000);
  Change(1, -1);
  Change(0, -1);
  Both(1);
  return unused;
}

int main(void) {
  pthread_t there, back;
  set = semget(IPC_PRIVATE, 2, 0600);
  semctl(set, 0, SETVAL, 1);
  semctl(set, 1, SETVAL, 1);
  pthread_create(&there, NULL, Move, NULL);
  pthread_create(&back, NULL, MoveBack, NULL);
  pthread_join(there, NULL);
  pthread_join(back, NULL);
  return semctl(set, 0, IPC_RMID);
}
