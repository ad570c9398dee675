// A thread takes an early return between lock and unlock. Nobody else happens to need the lock today.
// EXPECT: lock-held-at-thread-exit
#include <pthread.h>

pthread_mutex_t list_mutex = PTHREAD_MUTEX_INITIALIZER;
int items = 0;

void* Take(void*) {
  pthread_mutex_lock(&list_mutex);
  if (items == 0) {
    return nullptr;
  }
  --items;
  pthread_mutex_unlock(&list_mutex);
  return nullptr;
}

int main() {
  pthread_t thread;
  pthread_create(&thread, nullptr, Take, nullptr);
  pthread_join(thread, nullptr);
}
