// A program exits and leaves a background process behind that it neither waits for nor makes a daemon.
// OPTIONS: --grace-ms=300
// EXPECT: child-orphan
#include <unistd.h>

int main() {
  if (fork() == 0) {
    usleep(2500000);  // the child's own work
    _exit(0);
  }
}
