// The thread that holds a lock forks. Parent and child each own their copy, and each unlocks its own.
// EXPECT: clean
#include <sys/wait.h>
#include <unistd.h>

#include <mutex>

std::mutex state_mutex;

int main() {
  state_mutex.lock();
  const pid_t child = fork();
  state_mutex.unlock();
  { std::lock_guard<std::mutex> lock(state_mutex); }
  if (child == 0) {
    _exit(5);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WEXITSTATUS(status) == 5 ? 0 : 1;
}
