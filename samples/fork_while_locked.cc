// Main forks while another thread holds a lock. The child happens not to need it today.
// EXPECT: fork-while-locked
#include <sys/wait.h>
#include <unistd.h>

#include <latch>
#include <mutex>
#include <thread>

std::mutex log_mutex;

int main() {
  std::latch locked(1), forked(1);
  std::thread logger([&] {
    std::lock_guard<std::mutex> lock(log_mutex);
    locked.count_down();
    forked.wait();
  });
  locked.wait();
  const pid_t child = fork();
  if (child == 0) {
    _exit(0);
  }
  forked.count_down();
  logger.join();
  waitpid(child, nullptr, 0);
}
