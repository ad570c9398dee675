// Objects of every kind are destroyed and made again at the same place, by a call or by their constructor.
// EXPECT: clean
#include <pthread.h>
#include <semaphore.h>

#include <condition_variable>
#include <mutex>
#include <new>

int main() {
  pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
  sem_t semaphore;
  pthread_spinlock_t spinlock;
  pthread_barrier_t barrier;
  std::mutex mutex;
  alignas(std::condition_variable) char place[sizeof(std::condition_variable)];
  for (int round = 0; round < 3; ++round) {
    pthread_rwlock_wrlock(&rwlock);
    pthread_rwlock_unlock(&rwlock);
    pthread_rwlock_destroy(&rwlock);
    rwlock = PTHREAD_RWLOCK_INITIALIZER;

    sem_init(&semaphore, 0, 1);
    sem_wait(&semaphore);
    sem_post(&semaphore);
    sem_destroy(&semaphore);

    pthread_spin_init(&spinlock, PTHREAD_PROCESS_PRIVATE);
    pthread_spin_lock(&spinlock);
    pthread_spin_unlock(&spinlock);
    pthread_spin_destroy(&spinlock);

    pthread_barrier_init(&barrier, nullptr, 1);
    pthread_barrier_wait(&barrier);
    pthread_barrier_destroy(&barrier);

    auto* condition = new (place) std::condition_variable;
    std::unique_lock lock(mutex);
    condition->wait_for(lock, std::chrono::microseconds(1));
    condition->notify_all();
    condition->~condition_variable();
  }
}
