// Main returns while a joinable thread still waits for input that will never come.
// EXPECT: thread-running-at-exit
#include <pthread.h>
#include <unistd.h>

#include <latch>

std::latch running(1);
int input[2];

void* Listen(void*) {
  char byte = 0;
  running.count_down();
  (void)!read(input[0], &byte, 1);
  return nullptr;
}

int main() {
  if (pipe(input) != 0) {
    return 1;
  }
  pthread_t thread;
  pthread_create(&thread, nullptr, Listen, nullptr);
  running.wait();
}
