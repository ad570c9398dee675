// Main returns while a joinable thread still waits for input that will never come.
// EXPECT: thread-running-at-exit
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <string>

std::atomic<int> listener{0};
int input[2];

void* Listen(void*) {
  char byte = 0;
  listener = gettid();
  (void)!read(input[0], &byte, 1);
  return nullptr;
}

long CallOf(int tid) {
  long call = -1;
  std::ifstream("/proc/self/task/" + std::to_string(tid) + "/syscall") >> call;  // "running" is no number
  return call;
}

int main() {
  if (pipe(input) != 0) {
    return 1;
  }
  pthread_t thread;
  pthread_create(&thread, nullptr, Listen, nullptr);
  while (listener == 0 || CallOf(listener) != SYS_read) {
    usleep(1000);
  }
}
