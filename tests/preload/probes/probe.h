// What every probe needs: say what was seen, at once and whole, without process ids or addresses.
#ifndef GORDIAN_TESTS_PRELOAD_PROBES_PROBE_H_
#define GORDIAN_TESTS_PRELOAD_PROBES_PROBE_H_

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

// Straight to the descriptor: stdio's buffer would be printed twice after a fork and lost by _exit.
__attribute__((format(printf, 1, 2))) static inline void Say(const char* format, ...) {
  const int saved = errno;
  char text[1024];
  va_list arguments;
  va_start(arguments, format);
  const int bytes = vsnprintf(text, sizeof(text), format, arguments);
  va_end(arguments);
  if (write(1, text, (size_t)bytes) != bytes) {
    _exit(99);
  }
  errno = saved;
}

// How a child ended, in words.
static inline void SayStatus(const char* who, int status) {
  if (WIFEXITED(status)) {
    Say("%s: exit %d\n", who, WEXITSTATUS(status));
  } else if (WIFSIGNALED(status)) {
    Say("%s: signal %d\n", who, WTERMSIG(status));
  } else {
    Say("%s: status %#x\n", who, status);
  }
}

static inline void Reap(const char* who, pid_t pid) {
  int status = 0;
  pid_t got;
  do {
    got = waitpid(pid, &status, 0);
  } while (got < 0 && errno == EINTR);
  if (got != pid) {
    Say("%s: waitpid failed with %d\n", who, errno);
    return;
  }
  SayStatus(who, status);
}

// The system call that a thread sleeps in; -1: none.
static inline long SleepsIn(pid_t process, pid_t thread) {
  char text[128];
  snprintf(text, sizeof(text), "/proc/%d/task/%d/syscall", process, thread);
  const int descriptor = open(text, O_RDONLY | O_CLOEXEC);
  const ssize_t bytes = descriptor < 0 ? 0 : read(descriptor, text, sizeof(text) - 1);
  close(descriptor);
  text[bytes < 0 ? 0 : bytes] = '\0';
  char* end = text;
  const long number = strtol(text, &end, 10);
  return end == text ? -1 : number;
}

// Runs the scenario that the first argument names.
struct Scenario {
  const char* name;
  int (*run)(void);
};
static inline int RunScenario(const struct Scenario* scenarios, int argc, char** argv) {
  for (; argc > 1 && scenarios->name != NULL; ++scenarios) {
    if (strcmp(scenarios->name, argv[1]) == 0) {
      return scenarios->run();
    }
  }
  Say("no such scenario\n");
  return 98;
}

#endif  // GORDIAN_TESTS_PRELOAD_PROBES_PROBE_H_
