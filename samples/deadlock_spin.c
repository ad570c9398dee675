/* Two workers that each spin for the other's lock: the program does not sleep, it burns two processors for
 * ever. */
// OPTIONS: --on-deadlock=kill
// HANGS
// EXPECT: deadlock
#include <pthread.h>

static pthread_spinlock_t in_lock, out_lock;
static pthread_barrier_t both_hold_one;

static void* Forward(void* unused) {
  pthread_spin_lock(&in_lock);
  pthread_barrier_wait(&both_hold_one);
  pthread_spin_lock(&out_lock);
  return unused;
}

int main(void) {
  pthread_t worker;
  pthread_spin_init(&in_lock, PTHREAD_PROCESS_PRIVATE);
  pthread_spin_init(&out_lock, PTHREAD_PROCESS_PRIVATE);
  pthread_barrier_init(&both_hold_one, NULL, 2);
  pthread_create(&worker, NULL, Forward, NULL);
  pthread_spin_lock(&out_lock);
  pthread_barrier_wait(&both_hold_one);
  pthread_spin_lock(&in_lock);
  pthread_join(worker, NULL);
  return 0;
}
