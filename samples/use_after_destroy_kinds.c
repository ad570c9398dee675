/* Uses objects of every kind after it has destroyed them. Of a spinlock and a barrier nothing tells but
 * Gordian's own records. */
// EXPECT: use-after-destroy error
// EXPECT: use-after-destroy error
// EXPECT: use-after-destroy error
// EXPECT: use-after-destroy warning
// EXPECT: use-after-destroy warning
#include <pthread.h>
#include <semaphore.h>

int main(void) {
  pthread_rwlock_t rwlock;
  pthread_rwlock_init(&rwlock, NULL);
  pthread_rwlock_rdlock(&rwlock);
  pthread_rwlock_unlock(&rwlock);
  pthread_rwlock_destroy(&rwlock);
  pthread_rwlock_rdlock(&rwlock);
  pthread_rwlock_unlock(&rwlock);

  sem_t semaphore;
  sem_init(&semaphore, 0, 1);
  sem_wait(&semaphore);
  sem_destroy(&semaphore);
  sem_post(&semaphore);

  pthread_cond_t condition;
  pthread_cond_init(&condition, NULL);
  pthread_cond_destroy(&condition);
  pthread_cond_signal(&condition);
  pthread_cond_destroy(&condition);

  pthread_spinlock_t spinlock;
  pthread_spin_init(&spinlock, 0);
  pthread_spin_lock(&spinlock);
  pthread_spin_unlock(&spinlock);
  pthread_spin_destroy(&spinlock);
  pthread_spin_lock(&spinlock);
  pthread_spin_unlock(&spinlock);

  pthread_barrier_t barrier;
  pthread_barrier_init(&barrier, NULL, 1);
  pthread_barrier_wait(&barrier);
  pthread_barrier_destroy(&barrier);
  pthread_barrier_wait(&barrier);
  return 0;
}
