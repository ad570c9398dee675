/* A spinlock is made anew between two rounds: only the second spinlock is ever taken in both orders. */
// EXPECT: lock-order-cycle
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

static pthread_spinlock_t slot_lock;
static pthread_mutex_t table_mutex = PTHREAD_MUTEX_INITIALIZER;
static atomic_int rounds_done;

static void* Rounds(void* unused) {
  for (int round = 0; round < 2; ++round) {
    pthread_spin_init(&slot_lock, PTHREAD_PROCESS_PRIVATE);
    for (int i = 0; i < 2; ++i) {
      pthread_mutex_lock(&table_mutex);
      pthread_spin_lock(&slot_lock);
      pthread_spin_unlock(&slot_lock);
      pthread_mutex_unlock(&table_mutex);
    }
  }
  rounds_done = 1;
  return unused;
}

static void* Other(void* unused) {
  /* Patience, not order: the rounds are usually over by now. */
  for (int ms = 0; ms < 20000 && !rounds_done; ++ms) usleep(1000);
  pthread_spin_lock(&slot_lock);
  pthread_mutex_lock(&table_mutex);
  pthread_mutex_unlock(&table_mutex);
  pthread_spin_unlock(&slot_lock);
  return unused;
}

int main(void) {
  pthread_t rounds, other;
  pthread_create(&rounds, NULL, Rounds, NULL);
  pthread_create(&other, NULL, Other, NULL);
  pthread_join(rounds, NULL);
  pthread_join(other, NULL);
  return 0;
}
