/* An updater locks a file, starts a helper and ends. The helper never knew of the lock, and has it
 * for as long as it lives. */
// EXPECT: stuck-holder
#include <stdio.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

static void Update(const char* path, int starts_helper) {
  FILE* file = fopen(path, "r");
  flock(fileno(file), LOCK_EX);
  if (starts_helper && fork() == 0) {
    sleep(10);
  }
  _exit(0);
}

int main(void) {
  char path[] = "/dev/fd/012345678901234567890";
  FILE* made = tmpfile();
  snprintf(path, sizeof(path), "/proc/%d/fd/%d", getpid(), fileno(made));
  for (int starts_helper = 1; starts_helper >= 0; starts_helper--) {
    const pid_t updater = fork();
    if (updater == 0) {
      Update(path, starts_helper);
    }
    waitpid(updater, NULL, 0);
  }
  fclose(made);
  return 0;
}
