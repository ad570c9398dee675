// Uncontended locks of every kind, in one thread.
#include <pthread.h>
#include <semaphore.h>

#include <memory>
#include <vector>

#include "bench/calls/rounds.h"
#include "benchmark/benchmark.h"

namespace {

void Mutex(benchmark::State& state) {
  static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  for (auto _ : state) {
    pthread_mutex_lock(&mutex);
    pthread_mutex_unlock(&mutex);
  }
}
MEASURE(Mutex, "mutex");

// All of them taken, then all given back. The time is that of the whole nest.
void Nested(benchmark::State& state) {
  std::vector<pthread_mutex_t> mutexes(static_cast<size_t>(state.range(0)), PTHREAD_MUTEX_INITIALIZER);
  for (auto _ : state) {
    for (pthread_mutex_t& mutex : mutexes) {
      pthread_mutex_lock(&mutex);
    }
    for (auto mutex = mutexes.rbegin(); mutex != mutexes.rend(); ++mutex) {
      pthread_mutex_unlock(&*mutex);
    }
  }
}
MEASURE(Nested, "mutex nested")->Arg(2)->Arg(8);

void RoundRobin(benchmark::State& state) {
  std::vector<pthread_mutex_t> mutexes(static_cast<size_t>(state.range(0)), PTHREAD_MUTEX_INITIALIZER);
  size_t next = 0;
  for (auto _ : state) {
    pthread_mutex_t* mutex = &mutexes[next];
    next = (next + 1) & (mutexes.size() - 1);
    pthread_mutex_lock(mutex);
    pthread_mutex_unlock(mutex);
  }
}
MEASURE(RoundRobin, "mutex round robin")->Arg(64)->Arg(4096);

void RecursiveMutex(benchmark::State& state) {
  static pthread_mutex_t mutex = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
  for (auto _ : state) {
    pthread_mutex_lock(&mutex);
    pthread_mutex_unlock(&mutex);
  }
}
MEASURE(RecursiveMutex, "recursive mutex");

void TryLock(benchmark::State& state) {
  static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  for (auto _ : state) {
    if (pthread_mutex_trylock(&mutex) == 0) {
      pthread_mutex_unlock(&mutex);
    }
  }
}
MEASURE(TryLock, "mutex trylock");

void RwlockRead(benchmark::State& state) {
  static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
  for (auto _ : state) {
    pthread_rwlock_rdlock(&lock);
    pthread_rwlock_unlock(&lock);
  }
}
MEASURE(RwlockRead, "rwlock read");

void RwlockWrite(benchmark::State& state) {
  static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
  for (auto _ : state) {
    pthread_rwlock_wrlock(&lock);
    pthread_rwlock_unlock(&lock);
  }
}
MEASURE(RwlockWrite, "rwlock write");

void Semaphore(benchmark::State& state) {
  sem_t semaphore;
  sem_init(&semaphore, 0, 1);
  for (auto _ : state) {
    sem_wait(&semaphore);
    sem_post(&semaphore);
  }
  sem_destroy(&semaphore);
}
MEASURE(Semaphore, "semaphore");

void Spinlock(benchmark::State& state) {
  pthread_spinlock_t lock;
  pthread_spin_init(&lock, PTHREAD_PROCESS_PRIVATE);
  for (auto _ : state) {
    pthread_spin_lock(&lock);
    pthread_spin_unlock(&lock);
  }
  pthread_spin_destroy(&lock);
}
MEASURE(Spinlock, "spinlock");

}  // namespace
