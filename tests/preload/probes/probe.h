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

// A file of /proc/PID/task/TID, as far as it fits.
static inline void ReadOfTask(pid_t process, pid_t thread, const char* name, char* text, size_t size) {
  char path[64];
  snprintf(path, sizeof(path), "/proc/%d/task/%d/%s", process, thread, name);
  const int descriptor = open(path, O_RDONLY | O_CLOEXEC);
  const ssize_t bytes = descriptor < 0 ? 0 : read(descriptor, text, size - 1);
  close(descriptor);
  text[bytes < 0 ? 0 : bytes] = '\0';
}

// The system call that a thread sleeps in; -1: none. One that ends still shows the call that a signal
// interrupted, and may sleep on its way out.
static inline long SleepsIn(pid_t process, pid_t thread) {
  char text[512];
  ReadOfTask(process, thread, "syscall", text, sizeof(text));
  char* end = text;
  const long number = strtol(text, &end, 10);
  if (end == text) {
    return -1;
  }
  ReadOfTask(process, thread, "stat", text, sizeof(text));
  const char* name_end = strrchr(text, ')');
  char state = '?';
  unsigned flags = 0;
  if (name_end == NULL || sscanf(name_end, ") %c %*d %*d %*d %*d %*d %u", &state, &flags) != 2) {
    return -1;
  }
  const unsigned kExiting = 4;  // PF_EXITING
  return state == 'S' && (flags & kExiting) == 0 ? number : -1;
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
