/* The same with daemon(3), which forks and ends the first process inside libc. */
// OPTIONS: --grace-ms=300
// EXPECT: clean
#define _DEFAULT_SOURCE
#include <unistd.h>

int main(void) {
  if (daemon(0, 0) != 0) return 1;
  usleep(1500000); /* the daemon's work */
  return 0;
}
