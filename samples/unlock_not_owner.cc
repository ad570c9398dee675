// One thread locks and another one unlocks: a mutex is used as if it were a semaphore.
// EXPECT: unlock-not-owner
#include <pthread.h>

pthread_mutex_t turn_mutex = PTHREAD_MUTEX_INITIALIZER;

void* Release(void*) {
  pthread_mutex_unlock(&turn_mutex);
  return nullptr;
}

int main() {
  pthread_mutex_lock(&turn_mutex);
  pthread_t thread;
  pthread_create(&thread, nullptr, Release, nullptr);
  pthread_join(thread, nullptr);
}
