// A joinable thread has finished long before the program ends, and nobody ever joins it: its stack leaks.
// EXPECT: thread-unjoined error
#include <pthread.h>
#include <unistd.h>

#include <filesystem>
#include <iterator>

void* Prefetch(void*) { return nullptr; }

int ThreadCount() {
  std::filesystem::directory_iterator tasks("/proc/self/task");
  return static_cast<int>(std::distance(begin(tasks), end(tasks)));
}

int main() {
  pthread_t thread;
  pthread_create(&thread, nullptr, Prefetch, nullptr);
  while (ThreadCount() > 1) {
    usleep(1000);
  }
  usleep(300'000);  // the work of a longer life
}
