// A server starts one joinable thread a request and joins none: eight leaks of one place, one finding.
// EXPECT: thread-unjoined error
#include <pthread.h>
#include <unistd.h>

#include <filesystem>
#include <iterator>

void* Answer(void*) { return nullptr; }

void HandleRequest() {
  pthread_t thread;
  pthread_create(&thread, nullptr, Answer, nullptr);
}

int ThreadCount() {
  std::filesystem::directory_iterator tasks("/proc/self/task");
  return static_cast<int>(std::distance(begin(tasks), end(tasks)));
}

volatile int requests = 8;  // not known to the compiler: an unrolled loop would be eight places

int main() {
  for (int request = 0; request < requests; ++request) {
    HandleRequest();
  }
  while (ThreadCount() > 1) {
    usleep(1000);
  }
  usleep(300'000);  // the work of a longer life
}
