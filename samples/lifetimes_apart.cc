// Two detached threads use two orders, but the second is created only when the first one is gone.
// EXPECT: clean
#include <unistd.h>

#include <filesystem>
#include <iterator>
#include <mutex>
#include <thread>

std::mutex a_mutex;
std::mutex b_mutex;

void WaitUntilAlone() {
  for (;;) {
    std::filesystem::directory_iterator tasks("/proc/self/task");
    if (std::distance(begin(tasks), end(tasks)) == 1) {
      return;
    }
    usleep(1000);
  }
}

int main() {
  std::thread([] {
    std::lock_guard<std::mutex> a(a_mutex);
    std::lock_guard<std::mutex> b(b_mutex);
  }).detach();
  WaitUntilAlone();
  std::thread([] {
    std::lock_guard<std::mutex> b(b_mutex);
    std::lock_guard<std::mutex> a(a_mutex);
  }).detach();
  WaitUntilAlone();
}
