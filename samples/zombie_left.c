/* A program starts a helper, which ends at once, and exits soon after without waiting for it. The zombie goes
 * when its parent goes; that is worth a note. */
// EXPECT: child-zombie note
#include <sys/wait.h>
#include <unistd.h>

int main(void) {
  siginfo_t info;
  const pid_t child = fork();
  if (child == 0) _exit(0);
  /* Until the child has ended, without reaping it. */
  return waitid(P_PID, child, &info, WEXITED | WNOWAIT);
}
