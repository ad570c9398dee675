// Two threads wait, one for a future and one for a latch, until another is through with its locks, and then
// take them in the other order. Both wait at a futex that the library has for itself.
// EXPECT: lock-order-cycle warning
// EXPECT: lock-order-cycle warning
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <future>
#include <latch>
#include <mutex>
#include <string>
#include <thread>

std::mutex users, sessions, files, journal;

// The wait is to be one in the kernel: whoever comes late finds the future set and waits for nobody.
void UntilAsleep(const std::atomic<pid_t>& thread) {
  for (std::string call; call.rfind("202", 0) != 0; usleep(1000)) {  // futex
    std::getline(std::ifstream("/proc/self/task/" + std::to_string(thread) + "/syscall"), call);
  }
}

int main() {
  std::promise<int> loaded;
  std::latch flushed(1);
  std::atomic<pid_t> user{0}, writer{0};
  std::thread loader([&] {
    UntilAsleep(user);
    { std::scoped_lock<std::mutex> outer(users), inner(sessions); }
    loaded.set_value(1);
    UntilAsleep(writer);
    { std::scoped_lock<std::mutex> outer(files), inner(journal); }
    flushed.count_down();
  });
  std::thread first([&] {
    user = gettid();
    loaded.get_future().wait();
    std::scoped_lock<std::mutex> outer(sessions), inner(users);
  });
  std::thread second([&] {
    writer = gettid();
    flushed.wait();
    std::scoped_lock<std::mutex> outer(journal), inner(files);
  });
  loader.join();
  first.join();
  second.join();
}
