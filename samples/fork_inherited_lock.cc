// While another thread holds a lock, main forks. In the child that thread does not exist, but its lock is
// still taken: the child waits for a ghost.
// OPTIONS: --on-deadlock=kill-tree
// HANGS
// EXPECT: fork-while-locked
// EXPECT: abandoned-lock
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
    std::lock_guard<std::mutex> lock(log_mutex);
    _exit(0);
  }
  forked.count_down();
  logger.join();
  waitpid(child, nullptr, 0);
}
