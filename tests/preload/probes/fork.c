// Processes made in every way there is, and locks used before, across and after.
#define _GNU_SOURCE
#include <fcntl.h>
#include <pty.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>

#include "probe.h"

extern char** environ;

static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t b = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t recursive = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
static pthread_mutex_t errorcheck = PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP;

static void* LockBoth(void* unused) {
  for (int i = 0; i < 100; ++i) {
    pthread_mutex_lock(&a);
    pthread_mutex_lock(&b);
    pthread_mutex_unlock(&b);
    pthread_mutex_unlock(&a);
  }
  return unused;
}

static void UseThreads(const char* who) {
  pthread_t threads[3];
  for (int i = 0; i < 3; ++i) {
    Say("%s: create %d\n", who, pthread_create(&threads[i], NULL, LockBoth, NULL));
  }
  for (int i = 0; i < 3; ++i) {
    Say("%s: join %d\n", who, pthread_join(threads[i], NULL));
  }
}

// The child gives back what the forking thread held. Locks that know their owner by its id cannot be given
// back by a child, whose id is another: that is libc's answer, with and without the shim.
static void GiveBack(const char* who, int threads, int owned) {
  Say("%s: unlock %d %d", who, pthread_mutex_unlock(&b), pthread_mutex_unlock(&a));
  if (owned) {
    const int second = pthread_mutex_unlock(&recursive);
    const int first = pthread_mutex_unlock(&recursive);
    Say(" recursive %d %d errorcheck %d", second, first, pthread_mutex_unlock(&errorcheck));
  }
  Say("\n");
  if (threads) {
    UseThreads(who);
  } else {
    LockBoth(NULL);
  }
}

static int HeldAcross(pid_t (*make)(void), int threads) {
  pthread_mutex_lock(&errorcheck);
  pthread_mutex_lock(&recursive);
  pthread_mutex_lock(&recursive);
  pthread_mutex_lock(&a);
  pthread_mutex_lock(&b);
  const pid_t child = make();
  if (child == 0) {
    GiveBack("child", threads, 1);
    pthread_mutex_lock(&a);
    pthread_mutex_lock(&b);
    const pid_t grandchild = make();
    if (grandchild == 0) {
      GiveBack("grandchild", threads, 0);
      _exit(8);
    }
    Reap("grandchild", grandchild);
    GiveBack("child again", threads, 0);
    _exit(7);
  }
  Reap("child", child);
  GiveBack("parent", threads, 1);
  return 0;
}

static int Fork(void) { return HeldAcross(fork, 1); }
static int RawFork(void) { return HeldAcross(_Fork, 0); }

// libc does not know of this child: its idea of the thread's id stays the parent's, so what is held across
// can be given back, and errorcheck mutexes answer as they did in the parent.
static pid_t MakeClone(void) { return (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL); }

static int Clone(void) {
  LockBoth(NULL);
  const pid_t child = MakeClone();
  if (child == 0) {
    LockBoth(NULL);
    _exit(5);
  }
  Reap("child", child);
  return 0;
}

static int CloneHolding(void) {
  pthread_mutex_lock(&a);
  const pid_t forked = fork();  // what this fork handed over must not reach the clone below
  if (forked == 0) {
    pthread_mutex_unlock(&a);
    _exit(1);
  }
  Reap("forked", forked);
  pthread_mutex_unlock(&a);
  pthread_mutex_lock(&b);
  const pid_t cloned = MakeClone();
  if (cloned == 0) {
    Say("cloned: unlock %d\n", pthread_mutex_unlock(&b));
    LockBoth(NULL);
    _exit(2);
  }
  Reap("cloned", cloned);
  Say("unlock %d\n", pthread_mutex_unlock(&b));
  return 0;
}

// A child of a child of a child ..., each with a trace: deeper than the recorder keeps ancestors.
static int Deep(void) {
  pthread_mutex_lock(&a);
  for (int depth = 0; depth < 12; ++depth) {
    const pid_t child = fork();
    if (child != 0) {
      int status = 0;
      waitpid(child, &status, 0);
      Say("depth %d: exit %d\n", depth, WEXITSTATUS(status));
      pthread_mutex_unlock(&a);
      _exit(WEXITSTATUS(status) + 1);
    }
    pthread_mutex_lock(&b);
    pthread_mutex_unlock(&b);
  }
  pthread_mutex_unlock(&a);
  _exit(0);
}

// Other threads take and give locks while this one forks: the child must come into being whole.
static int stop;
static void* Churn(void* unused) {
  pthread_mutex_t own = PTHREAD_MUTEX_INITIALIZER;
  while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
    pthread_mutex_lock(&a);
    pthread_mutex_lock(&own);
    pthread_mutex_unlock(&own);
    pthread_mutex_unlock(&a);
    pthread_mutex_trylock(&own);
    pthread_mutex_unlock(&own);
  }
  return unused;
}

static int ForkWhileOthersLock(pid_t (*make)(void)) {
  pthread_t threads[3];
  for (int i = 0; i < 3; ++i) {
    pthread_create(&threads[i], NULL, Churn, NULL);
  }
  int good = 0;
  for (int i = 0; i < 60; ++i) {
    const pid_t child = make();
    if (child == 0) {
      // What is nobody else's is free: locks, threads and more children work.
      pthread_mutex_lock(&b);
      pthread_t thread;
      pthread_create(&thread, NULL, (void* (*)(void*))pthread_self, NULL);
      pthread_join(thread, NULL);
      pthread_mutex_unlock(&b);
      _exit(i);
    }
    int status = 0;
    waitpid(child, &status, 0);
    good += WIFEXITED(status) && WEXITSTATUS(status) == i;
  }
  __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
  for (int i = 0; i < 3; ++i) {
    pthread_join(threads[i], NULL);
  }
  Say("good children: %d\n", good);
  return 0;
}
static int ForkOfMany(void) { return ForkWhileOthersLock(fork); }

static void* ForkInThread(void* how) {
  pthread_mutex_lock(&b);
  const pid_t child = ((pid_t(*)(void))how)();
  if (child == 0) {
    pthread_mutex_unlock(&b);
    UseThreads("child of a thread");
    exit(4);
  }
  Reap("child of a thread", child);
  pthread_mutex_unlock(&b);
  return NULL;
}
static int ThreadForks(void) {
  pthread_t thread;
  pthread_create(&thread, NULL, ForkInThread, (void*)fork);
  pthread_join(thread, NULL);
  pthread_create(&thread, NULL, ForkInThread, (void*)_Fork);
  pthread_join(thread, NULL);
  return 0;
}

static void Prepare(void) { Say("prepare %d\n", pthread_mutex_lock(&b)); }
static int given_back = -1;
static void GiveBackB(void) { given_back = pthread_mutex_unlock(&b); }
static int AtFork(void) {
  Say("atfork %d\n", pthread_atfork(Prepare, GiveBackB, GiveBackB));
  const pid_t child = fork();
  if (child == 0) {
    LockBoth(NULL);
    Say("child %d\n", given_back);
    exit(3);
  }
  Reap("child", child);
  Say("parent %d\n", given_back);
  return 0;
}

static int VforkExec(void) {
  pthread_mutex_lock(&a);
  pid_t child = vfork();
  if (child == 0) {
    execl("/bin/sh", "sh", "-c", "echo from the shell; exit 9", (char*)NULL);
    _exit(errno);
  }
  Reap("vfork and exec", child);
  child = vfork();
  if (child == 0) {
    _exit(6);
  }
  Reap("vfork and _exit", child);
  child = vfork();
  if (child == 0) {
    execlp("no-such-program-anywhere", "x", (char*)NULL);
    _exit(errno);
  }
  Reap("vfork and no exec", child);
  child = vfork();
  if (child == 0) {
    raise(SIGKILL);
  }
  Reap("vfork and killed", child);
  pthread_mutex_unlock(&a);
  LockBoth(NULL);
  return 0;
}

static int NestedVfork(void) {
  for (int i = 0; i < 3; ++i) {
    const pid_t child = vfork();
    if (child == 0) {
      const pid_t grandchild = vfork();
      if (grandchild == 0) {
        const pid_t third = vfork();
        if (third == 0) {
          execl("/bin/true", "true", (char*)NULL);
          _exit(1);
        }
        int status;
        waitpid(third, &status, 0);
        _exit(WEXITSTATUS(status) + 1);
      }
      int status;
      waitpid(grandchild, &status, 0);
      _exit(WEXITSTATUS(status) + 1);
    }
    Reap("nested", child);
  }
  LockBoth(NULL);
  return 0;
}

static void* VforkInThread(void* unused) {
  for (int i = 0; i < 30; ++i) {
    const pid_t child = vfork();
    if (child == 0) {
      execl("/bin/true", "true", (char*)NULL);
      _exit(1);
    }
    int status = -1;
    waitpid(child, &status, 0);
    if (status != 0) {
      Say("bad status %d\n", status);
    }
  }
  return unused;
}
static int ThreadsVfork(void) {
  pthread_t threads[3];
  for (int i = 0; i < 3; ++i) {
    pthread_create(&threads[i], NULL, VforkInThread, NULL);
  }
  for (int i = 0; i < 3; ++i) {
    pthread_join(threads[i], NULL);
  }
  Say("done\n");
  return 0;
}

static int Spawn(void) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, 1, 5);
  posix_spawn_file_actions_addopen(&actions, 6, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addchdir_np(&actions, "/usr");
  char* const list[] = {"sh", "-c", "pwd >&5; test -e /proc/self/fd/6 && echo six; echo $MINE; exit 3", NULL};
  char* const own[] = {"MINE=own", "PATH=/bin:/usr/bin", NULL};
  pid_t pid = -7;
  int error = posix_spawn(&pid, "/bin/sh", &actions, NULL, list, own);
  Reap("spawned", pid);
  Say("posix_spawn %d\n", error);
  error = posix_spawnp(&pid, "sh", &actions, NULL, list, own);
  Reap("spawned", pid);
  Say("posix_spawn %d\n", error);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
  Say("without a place for the pid %d\n", posix_spawnp(NULL, "true", NULL, &attributes, list, environ));
  int status = -1;
  wait(&status);
  SayStatus("any", status);
  pid = -7;
  Say("missing %d", posix_spawn(&pid, "/no/such/program", NULL, NULL, list, environ));
  Say(" %d\n", pid);
  Say("missing %d", posix_spawnp(&pid, "no-such-program", NULL, NULL, list, environ));
  Say(" %d\n", pid);
  Say("a folder %d\n", posix_spawn(&pid, "/usr", NULL, NULL, list, environ));
  return 0;
}

static int System(void) {
  Say("shell there %d\n", system(NULL));
  Say("exit %#x\n", system("echo hello; exit 4"));
  Say("killed %#x\n", system("kill -TERM $$"));
  Say("none %#x\n", system("no-such-command 2>/dev/null"));
  signal(SIGCHLD, SIG_IGN);
  errno = 0;
  const int ignored = system("exit 4");
  Say("children ignored %d errno %d\n", ignored, errno);
  signal(SIGCHLD, SIG_DFL);
  FILE* pipe = popen("echo through the pipe; exit 5", "r");
  char line[64] = {0};
  Say("read %s", fgets(line, sizeof(line), pipe));
  Say("pclose %#x\n", pclose(pipe));
  pipe = popen("cat; exit 6", "w");
  fputs("into the pipe\n", pipe);
  Say("pclose %#x\n", pclose(pipe));
  errno = 0;
  pipe = popen("true", "nonsense");
  Say("bad mode %d errno %d\n", pipe == NULL, errno);
  return 0;
}

static int Daemon(void) {
  int done[2];
  int reaped[2];
  if (pipe(done) != 0 || pipe(reaped) != 0) {
    return 1;
  }
  char byte = 0;
  const pid_t child = fork();
  if (child == 0) {
    const int result = daemon(1, 1);
    LockBoth(NULL);
    if (read(reaped[0], &byte, 1) != 1) {  // its creator speaks first
      return 1;
    }
    Say("daemon %d, session leader %d\n", result, getsid(0) == getpid());
    _exit(0);
  }
  Reap("who called daemon", child);
  if (write(reaped[1], &byte, 1) != 1) {
    return 1;
  }
  close(done[1]);
  return (int)read(done[0], &byte, 1);  // until the daemon has gone
}

static int Forkpty(void) {
  int master;
  const pid_t child = forkpty(&master, NULL, NULL, NULL);
  if (child == 0) {
    LockBoth(NULL);
    _exit(isatty(0) && isatty(1) ? 11 : 12);
  }
  Reap("on a terminal", child);
  return 0;
}

// A fork child that is stopped, continued and killed: status words as they are.
static int Killed(void) {
  const pid_t child = fork();
  if (child == 0) {
    pthread_mutex_lock(&a);
    raise(SIGSTOP);
    pthread_mutex_unlock(&a);
    kill(getpid(), SIGKILL);
  }
  int status = 0;
  waitpid(child, &status, WUNTRACED);
  Say("stopped %#x\n", status);
  kill(child, SIGCONT);
  Reap("child", child);
  return 0;
}

// Hundreds of children at once: all come to their end.
static int Many(void) {
  pid_t children[200];
  for (int i = 0; i < 200; ++i) {
    children[i] = fork();
    if (children[i] == 0) {
      LockBoth(NULL);
      _exit(i % 100);
    }
  }
  int good = 0;
  for (int i = 0; i < 200; ++i) {
    int status = 0;
    waitpid(children[i], &status, 0);
    good += WIFEXITED(status) && WEXITSTATUS(status) == i % 100;
  }
  Say("good %d\n", good);
  return 0;
}

int main(int argc, char** argv) {
  static const struct Scenario kScenarios[] = {
      {"fork", Fork},
      {"raw-fork", RawFork},
      {"clone", Clone},
      {"clone-holding", CloneHolding},
      {"deep", Deep},
      {"fork-of-many", ForkOfMany},
      {"thread-forks", ThreadForks},
      {"atfork", AtFork},
      {"vfork", VforkExec},
      {"nested-vfork", NestedVfork},
      {"threads-vfork", ThreadsVfork},
      {"spawn", Spawn},
      {"system", System},
      {"daemon", Daemon},
      {"forkpty", Forkpty},
      {"killed", Killed},
      {"many", Many},
      {NULL, NULL},
  };
  return RunScenario(kScenarios, argc, argv);
}
