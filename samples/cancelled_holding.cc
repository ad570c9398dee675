// A thread is cancelled while it reads with a lock held, and no clean-up handler unlocks.
// EXPECT: lock-held-at-thread-exit
#include <pthread.h>
#include <unistd.h>

pthread_mutex_t device_mutex = PTHREAD_MUTEX_INITIALIZER;
int started[2];
int input[2];

void* Read(void*) {
  char byte = 0;
  pthread_mutex_lock(&device_mutex);
  (void)!write(started[1], &byte, 1);
  (void)!read(input[0], &byte, 1);
  pthread_mutex_unlock(&device_mutex);
  return nullptr;
}

int main() {
  if (pipe(started) != 0 || pipe(input) != 0) {
    return 1;
  }
  pthread_t thread;
  pthread_create(&thread, nullptr, Read, nullptr);
  char byte = 0;
  (void)!read(started[0], &byte, 1);
  pthread_cancel(thread);
  pthread_join(thread, nullptr);
}
