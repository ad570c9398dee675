// A parent reaps its children late, when it has time for it, but well within the grace time.
// EXPECT: clean
#include <sys/wait.h>
#include <unistd.h>

int main() {
  for (int i = 0; i < 3; ++i) {
    if (fork() == 0) {
      _exit(i);
    }
  }
  usleep(400000);  // other work, while the three are zombies
  int sum = 0;
  for (int i = 0; i < 3; ++i) {
    int status = 0;
    wait(&status);
    sum += WEXITSTATUS(status);
  }
  return sum == 3 ? 0 : 1;
}
