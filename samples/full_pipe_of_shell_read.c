/* The parent reads all that the shell's command says before it waits for the shell. */
// EXPECT: clean
#include <stddef.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void) {
  int ends[2];
  static char buffer[1 << 16];
  if (pipe(ends) != 0) {
    return 1;
  }
  const pid_t child = fork();
  if (child == 0) {
    dup2(ends[1], 1);
    close(ends[0]);
    close(ends[1]);
    execl("/bin/sh", "sh", "-c", "head -c 300000 /dev/zero; exit 0", (char*)NULL);
    _exit(127);
  }
  close(ends[1]);
  while (read(ends[0], buffer, sizeof(buffer)) > 0) {
  }
  close(ends[0]);
  waitpid(child, NULL, 0);
}
