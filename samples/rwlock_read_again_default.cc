// A lookup reads the table, and a helper that it calls reads it again. The default kind of read-write lock
// grants the second read although an update waits: that is what it is for.
// EXPECT: clean
#include <pthread.h>

#include <thread>

#include "luck.h"

pthread_rwlock_t table = PTHREAD_RWLOCK_INITIALIZER;

void Helper() {
  pthread_rwlock_rdlock(&table);
  pthread_rwlock_unlock(&table);
}

int main() {
  Luck reading;
  std::thread update([&] {
    reading.Wait();
    pthread_rwlock_wrlock(&table);
    pthread_rwlock_unlock(&table);
  });
  pthread_rwlock_rdlock(&table);
  reading.Done();
  Helper();
  pthread_rwlock_unlock(&table);
  update.join();
}
