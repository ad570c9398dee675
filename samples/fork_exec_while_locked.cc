// Main forks and execs while another thread holds a lock: exec makes a new memory, the lock does not matter.
// EXPECT: clean
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
    execl("/bin/true", "true", nullptr);
    _exit(127);
  }
  forked.count_down();
  logger.join();
  int status = 0;
  waitpid(child, &status, 0);
  return WEXITSTATUS(status);
}
