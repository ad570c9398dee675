// A program in narrow surroundings: limits, a sandbox, another user, another root. It makes them itself,
// works, and says so.
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/close_range.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "probe.h"

static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t b = PTHREAD_MUTEX_INITIALIZER;

// New locks and new places all the time: the recorder has something to write.
static void* Lock(void* unused) {
  for (int i = 0; i < 300; ++i) {
    pthread_mutex_t fresh = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&a);
    pthread_mutex_lock(&fresh);
    pthread_mutex_lock(&b);
    pthread_mutex_unlock(&b);
    pthread_mutex_unlock(&fresh);
    pthread_mutex_unlock(&a);
  }
  return unused;
}

static int Work(void) {
  Lock(NULL);
  pthread_t threads[4];
  for (int i = 0; i < 4; ++i) {
    if (pthread_create(&threads[i], NULL, Lock, NULL) != 0) {
      Say("no thread\n");
      return 1;
    }
  }
  for (int i = 0; i < 4; ++i) {
    pthread_join(threads[i], NULL);
  }
  const pid_t child = fork();
  if (child == 0) {
    Lock(NULL);
    _exit(3);
  }
  Reap("child", child);
  return 0;
}

static int Plain(void) { return Work(); }

static int NoDescriptors(void) {
  while (open("/dev/null", O_RDONLY) >= 0) {
  }
  return Work();
}

static int CloseAll(void) {
  close_range(3, ~0u, 0);
  const int descriptor = open("/dev/null", O_RDONLY);
  Say("next descriptor %d\n", descriptor);
  close_range(3, ~0u, CLOSE_RANGE_UNSHARE);
  return Work();
}

static int OtherUser(void) {
  Say("setgid %d", setresgid(65534, 65534, 65534));
  Say(" setuid %d\n", setresuid(65534, 65534, 65534));
  return Work();
}

static int OtherRoot(void) {
  Say("chroot %d\n", chroot("/usr"));
  return Work();
}

#define ALLOW(call) \
  BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##call, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
// What threads, locks and output need, and no more; anything else is death.
static int Sandbox(int raw) {
  static struct sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      ALLOW(read),
      ALLOW(write),
      ALLOW(exit),
      ALLOW(exit_group),
      ALLOW(futex),
      ALLOW(mmap),
      ALLOW(munmap),
      ALLOW(mprotect),
      ALLOW(rt_sigprocmask),
      ALLOW(rt_sigaction),
      ALLOW(rt_sigreturn),
      ALLOW(clone3),
      ALLOW(clone),
      ALLOW(set_robust_list),
      ALLOW(rseq),
      ALLOW(wait4),
      ALLOW(madvise),
      ALLOW(brk),
      ALLOW(getrandom),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
  };
  const struct sock_fprog program = {sizeof(filter) / sizeof(*filter), filter};
  Lock(NULL);
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    return 1;
  }
  const long error = raw ? syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program)
                         : prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0);
  Say("sandbox %ld\n", error);
  return Work();
}
static int SandboxByPrctl(void) { return Sandbox(0); }
static int SandboxBySyscall(void) { return Sandbox(1); }

static int Strict(void) {
  Lock(NULL);
  Say("strict %d\n", prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT, 0, 0, 0));
  Lock(NULL);
  Say("worked\n");
  syscall(SYS_exit, 7);
  return 0;
}

static int Limit(int resource, rlim_t bytes) {
  const struct rlimit limit = {bytes, bytes};
  Say("setrlimit %d\n", setrlimit((__rlimit_resource_t)resource, &limit));
  return Work();
}
static int FewDescriptors(void) { return Limit(RLIMIT_NOFILE, 0); }
static int NoFileSize(void) { return Limit(RLIMIT_FSIZE, 0); }

int main(int argc, char** argv) {
  static const struct Scenario kScenarios[] = {
      {"plain", Plain},
      {"no-descriptors", NoDescriptors},
      {"few-descriptors", FewDescriptors},
      {"no-file-size", NoFileSize},
      {"close-all", CloseAll},
      {"other-user", OtherUser},
      {"other-root", OtherRoot},
      {"sandbox-prctl", SandboxByPrctl},
      {"sandbox-syscall", SandboxBySyscall},
      {"strict", Strict},
      {NULL, NULL},
  };
  return RunScenario(kScenarios, argc, argv);
}
