// The same inversion with every kind of mutex: recursive, error checking, robust and the rest save nobody
// from a lock-order cycle.
// RUN: normal
// RUN: recursive
// RUN: errorcheck
// RUN: adaptive
// RUN: robust
// RUN: inherit
// RUN: shared
// EXPECT: lock-order-cycle
#include <pthread.h>

#include <string>
#include <thread>

#include "luck.h"

pthread_mutex_t a_mutex, b_mutex;

void Both(pthread_mutex_t* outer, pthread_mutex_t* inner) {
  pthread_mutex_lock(outer);
  pthread_mutex_lock(inner);
  pthread_mutex_unlock(inner);
  pthread_mutex_unlock(outer);
}

int main(int argc, char** argv) {
  const std::string kind = argc > 1 ? argv[1] : "normal";
  pthread_mutexattr_t attr;
  pthread_mutexattr_init(&attr);
  if (kind == "recursive") pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
  if (kind == "errorcheck") pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ERRORCHECK);
  if (kind == "adaptive") pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ADAPTIVE_NP);
  if (kind == "robust") pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
  if (kind == "inherit") pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT);
  if (kind == "shared") pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
  pthread_mutex_init(&a_mutex, &attr);
  pthread_mutex_init(&b_mutex, &attr);
  Luck first;
  std::thread one([&] {
    Both(&a_mutex, &b_mutex);
    first.Done();
  });
  std::thread other([&] {
    first.Wait();
    Both(&b_mutex, &a_mutex);
  });
  one.join();
  other.join();
}
