// A thread is detached, and joined all the same: the join says EINVAL and waits for nobody.
// EXPECT: join-misuse
#include <pthread.h>

#include <cerrno>
#include <semaphore>

std::binary_semaphore may_end(0), ended(0);

void* Work(void* unused) {
  may_end.acquire();
  ended.release();
  return unused;
}

int main() {
  pthread_t worker;
  pthread_create(&worker, nullptr, Work, nullptr);
  pthread_detach(worker);
  const int error = pthread_join(worker, nullptr);
  may_end.release();
  ended.acquire();
  return error == EINVAL ? 0 : 1;
}
