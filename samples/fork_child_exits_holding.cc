// A fork child leaves by _exit and holds only what its parent held at the fork: it never took that lock.
// EXPECT: clean
#include <sys/wait.h>
#include <unistd.h>

#include <mutex>

std::mutex state_mutex;

int main() {
  pid_t child = 0;
  {
    std::lock_guard<std::mutex> lock(state_mutex);
    child = fork();
    if (child == 0) {
      _exit(0);
    }
  }
  waitpid(child, nullptr, 0);
}
