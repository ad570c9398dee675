/* Children by posix_spawn and posix_spawnp, reaped by pid, by any and by waitid. */
// EXPECT: clean
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

int main(void) {
  char* argv[] = {"true", NULL};
  pid_t one = 0, two = 0, three = 0;
  siginfo_t info = {0};
  if (posix_spawn(&one, "/bin/true", NULL, NULL, argv, environ) != 0) return 1;
  if (posix_spawnp(&two, "true", NULL, NULL, argv, environ) != 0) return 2;
  if (waitpid(one, NULL, 0) != one) return 3;
  if (wait(NULL) != two) return 4;
  if (posix_spawn(&three, "/nonexistent", NULL, NULL, argv, environ) == 0) return 5;
  if (posix_spawnp(&three, "true", NULL, NULL, argv, environ) != 0) return 6;
  return waitid(P_PID, three, &info, WEXITED) == 0 && info.si_pid == three ? 0 : 7;
}
