// A parent starts a helper process, goes on working and forgets to wait for it.
// OPTIONS: --grace-ms=300
// EXPECT: child-zombie error
#include <unistd.h>

pid_t StartHelper() {
  const pid_t child = fork();
  if (child == 0) {
    _exit(0);
  }
  return child;
}

int main() {
  StartHelper();
  usleep(3000000);  // the parent's other work
}
