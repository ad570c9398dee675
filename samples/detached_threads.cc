// Threads that are detached in each of the three ways; one of them still runs when main returns.
// EXPECT: clean
#include <pthread.h>
#include <unistd.h>

#include <latch>

std::latch all_run(3);

void* Work(void*) {
  all_run.count_down();
  return nullptr;
}

void* DetachItself(void*) {
  pthread_detach(pthread_self());
  all_run.count_down();
  pause();
  return nullptr;
}

int main() {
  pthread_t thread;
  pthread_attr_t attr;
  pthread_attr_init(&attr);
  pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
  pthread_create(&thread, &attr, Work, nullptr);
  pthread_attr_destroy(&attr);
  pthread_create(&thread, nullptr, Work, nullptr);
  pthread_detach(thread);
  pthread_create(&thread, nullptr, DetachItself, nullptr);
  all_run.wait();
}
