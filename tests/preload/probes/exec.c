// Replaces itself in the way that the first argument names by the program of the second.
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/syscall.h>

#include "probe.h"

extern char** environ;

static char* program;
static char* with[] = {"name", "", "two words", "-x", NULL};
// The shim's two variables are handed on; the rest is the caller's own choice.
static char* own[] = {"A=1", "NONE=", "WITH BLANK=x y", "EMPTY=", "A=2", "GORDIAN_OPTIONS=", NULL};

static char** OwnEnvironment(void) {
  for (char** entry = environ; *entry != NULL; ++entry) {
    if (strncmp(*entry, "LD_PRELOAD=", 11) == 0) {
      own[1] = *entry;
    } else if (strncmp(*entry, "GORDIAN_OPTIONS=", 16) == 0) {
      own[5] = *entry;
    }
  }
  return own;
}

static void Exec(const char* how) {
  if (strcmp(how, "execl") == 0) {
    execl(program, "name", "", "two words", "-x", (char*)NULL);
  } else if (strcmp(how, "execlp") == 0) {
    execlp(program, "name", "", "two words", "-x", (char*)NULL);
  } else if (strcmp(how, "execle") == 0) {
    execle(program, "name", "", "two words", "-x", (char*)NULL, OwnEnvironment());
  } else if (strcmp(how, "execv") == 0) {
    execv(program, with);
  } else if (strcmp(how, "execvp") == 0) {
    execvp(program, with);
  } else if (strcmp(how, "execvpe") == 0) {
    execvpe(program, with, OwnEnvironment());
  } else if (strcmp(how, "execve") == 0) {
    execve(program, with, OwnEnvironment());
  } else if (strcmp(how, "fexecve") == 0) {
    fexecve(open(program, O_RDONLY | O_CLOEXEC), with, environ);
  } else if (strcmp(how, "execveat") == 0) {
    execveat(AT_FDCWD, program, with, environ, 0);
  } else if (strcmp(how, "execveat-empty") == 0) {
    execveat(open(program, O_PATH | O_CLOEXEC), "", with, environ, AT_EMPTY_PATH);
  } else if (strcmp(how, "raw") == 0) {
    syscall(SYS_execve, program, with, environ);
  } else if (strcmp(how, "no-environment") == 0) {
    execve(program, with, NULL);
  } else if (strcmp(how, "environ-cleared") == 0) {
    clearenv();
    execv(program, with);
  }
}

static void* ExecInThread(void* how) {
  Exec(how);
  return NULL;
}

// Every way to fail must leave errno and the program as they were.
static int Failing(void) {
  static const char* const kWays[] = {"execl",   "execlp", "execle",  "execv",    "execvp",
                                      "execvpe", "execve", "fexecve", "execveat", "raw"};
  static char* const kPrograms[] = {"/no/such/program", "no-such-program", "/usr",
                                    "/etc/passwd",      "/proc/self/mem",  ""};
  pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  for (size_t p = 0; p < sizeof(kPrograms) / sizeof(*kPrograms); ++p) {
    for (size_t w = 0; w < sizeof(kWays) / sizeof(*kWays); ++w) {
      program = kPrograms[p];
      errno = 0;
      Exec(kWays[w]);
      Say("%s %s: %d\n", kWays[w], program, errno);
      pthread_mutex_lock(&mutex);
      pthread_mutex_unlock(&mutex);
    }
  }
  errno = 0;
  program = NULL;
  Exec("execve");
  Say("null path %d\n", errno);
  return 3;
}

// A lock that is held when the image is replaced goes with it.
static pthread_mutex_t held = PTHREAD_MUTEX_INITIALIZER;

int main(int argc, char** argv) {
  if (argc == 2 && strcmp(argv[1], "failing") == 0) {
    return Failing();
  }
  if (argc < 3) {
    return 98;
  }
  program = argv[2];
  if (argc > 3 && strcmp(argv[3], "thread") == 0) {
    pthread_t thread;
    pthread_create(&thread, NULL, ExecInThread, argv[1]);
    pthread_join(thread, NULL);
  } else if (argc > 3 && strcmp(argv[3], "vfork") == 0) {
    const pid_t child = vfork();
    if (child == 0) {
      Exec(argv[1]);
      _exit(errno);
    }
    Reap("child", child);
    pthread_mutex_lock(&held);
    pthread_mutex_unlock(&held);
    return 0;
  } else if (argc > 3 && strcmp(argv[3], "holding") == 0) {
    pthread_mutex_lock(&held);
    Exec(argv[1]);
  } else {
    Exec(argv[1]);
  }
  Say("failed with %d\n", errno);
  return 97;
}
