/* Three spawned commands, one forgotten: waiting for any child is not waiting for every child. */
// OPTIONS: --grace-ms=300
// EXPECT: child-zombie error
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

static pid_t Start(void) {
  char* argv[] = {"true", NULL};
  pid_t child = 0;
  return posix_spawn(&child, "/bin/true", NULL, NULL, argv, environ) == 0 ? child : -1;
}

int main(void) {
  for (int i = 0; i < 3; ++i) Start();
  wait(NULL);
  wait(NULL);
  usleep(3000000); /* the parent's other work */
  return 0;
}
