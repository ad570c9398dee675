// Calls with pointers to nowhere and numbers of nothing, each in a process of its own: what it says, or how
// it ends.
#include <linux/futex.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <spawn.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/syscall.h>
#include <threads.h>
#include <time.h>

#include "probe.h"

extern char** environ;

static void* nowhere;     // a page that cannot be read
static char* last_bytes;  // the end of what can
static char* argv_true[] = {"true", NULL};
static pid_t child;
static int descriptor;
static sem_t event;

static void* Return(void* argument) { return argument; }

// Made of what fails: an environment whose second entry is nowhere, one that runs on into nowhere, a long
// path.
static char** BadEntries(void) {
  static char* entries[3];
  entries[0] = "A=B";
  entries[1] = nowhere;
  return entries;
}
static char** NoEnd(void) {
  char** entries = (char**)last_bytes - 2;
  entries[0] = entries[1] = "LD_PRELOAD=libgordian_preload.so";
  return entries;
}
static const char* NoEndOfPath(void) {
  memset(last_bytes - 4, '/', 4);
  return last_bytes - 4;
}
static int Spawn(const char* path, char** argv, char** envp) {
  pid_t pid = 0;
  const int error = posix_spawn(&pid, path, NULL, NULL, argv, envp);
  if (error == 0) {
    int status = 0;
    waitpid(pid, &status, 0);
    Say("status %#x ", status);
  }
  return error;
}
static long CreateWith(pthread_t* place, void* (*routine)(void*)) {
  const int error = pthread_create(place, NULL, routine, NULL);
  if (error == 0 && place != NULL) {
    pthread_join(*place, NULL);
  }
  return error;
}
// A held lock in memory that is not unmapped after all.
static long UnmapHeld(size_t offset, size_t bytes) {
  pthread_mutex_t* mutex = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  pthread_mutex_init(mutex, NULL);
  pthread_mutex_lock(mutex);
  const int result = munmap((char*)mutex + offset, bytes);
  pthread_mutex_unlock(mutex);
  return result;
}

#define CASES(CASE)                                                      \
  CASE(execve(nowhere, argv_true, environ))                              \
  CASE(execve((char*)1L, argv_true, environ))                            \
  CASE(execve(NULL, argv_true, environ))                                 \
  CASE(execve(NoEndOfPath(), argv_true, environ))                        \
  CASE(execve("/bin/true", nowhere, environ))                            \
  CASE(execve("/bin/true", argv_true, nowhere))                          \
  CASE(execve("/bin/true", argv_true, BadEntries()))                     \
  CASE(execve("/bin/true", argv_true, NoEnd()))                          \
  CASE(execve("/bin/true", argv_true, NULL))                             \
  CASE(execve("/bin/true", NULL, NULL))                                  \
  CASE(execv(nowhere, argv_true))                                        \
  CASE(execv("/bin/true", nowhere))                                      \
  CASE(execvp(NULL, argv_true))                                          \
  CASE(execvp("", argv_true))                                            \
  CASE(execl(nowhere, "true", NULL))                                     \
  CASE(fexecve(-1, argv_true, environ))                                  \
  CASE(fexecve(descriptor, argv_true, environ))                          \
  CASE(fexecve(descriptor, NULL, NULL))                                  \
  CASE(execveat(AT_FDCWD, nowhere, argv_true, environ, 0))               \
  CASE(execveat(AT_FDCWD, "/bin/true", argv_true, nowhere, 0))           \
  CASE(execveat(-1, "true", argv_true, environ, 0))                      \
  CASE(Spawn(nowhere, argv_true, environ))                               \
  CASE(Spawn(NULL, argv_true, environ))                                  \
  CASE(Spawn(NoEndOfPath(), argv_true, environ))                         \
  CASE(Spawn("/bin/true", argv_true, nowhere))                           \
  CASE(Spawn("/bin/true", argv_true, BadEntries()))                      \
  CASE(Spawn("/bin/true", argv_true, NULL))                              \
  CASE(posix_spawnp(NULL, "true", NULL, NULL, argv_true, environ))       \
  CASE(posix_spawnp(NULL, nowhere, NULL, NULL, argv_true, environ))      \
  CASE(posix_spawnp(NULL, "", NULL, NULL, argv_true, environ))           \
  CASE(system(nowhere))                                                  \
  CASE(popen(nowhere, "r") == NULL)                                      \
  CASE(popen("true", "wrong") == NULL)                                   \
  CASE(pclose(popen(nowhere, "r")))                                      \
  CASE(waitpid(child, nowhere, 0) == child)                              \
  CASE(waitpid(-1, (int*)1, 0) == child)                                 \
  CASE(wait(nowhere) == child)                                           \
  CASE(wait4(child, NULL, 0, nowhere) == child)                          \
  CASE(wait3(nowhere, 0, nowhere) == child)                              \
  CASE(waitid(P_PID, (id_t)child, nowhere, WEXITED))                     \
  CASE(waitid(P_PID, (id_t)child, NULL, WEXITED))                        \
  CASE(waitid(P_PID, (id_t)child, NULL, 0))                              \
  CASE(waitid((idtype_t)77, 1, NULL, WEXITED))                           \
  CASE(waitpid(getpid(), NULL, 0))                                       \
  CASE(waitpid(-99999, NULL, 0))                                         \
  CASE(waitpid(child, NULL, 0x7000))                                     \
  CASE(nanosleep(nowhere, NULL))                                         \
  CASE(nanosleep(NULL, NULL))                                            \
  CASE(clock_nanosleep(CLOCK_MONOTONIC, 0, nowhere, NULL))               \
  CASE(fcntl(descriptor, F_SETLKW, nowhere))                             \
  CASE(fcntl(descriptor, F_SETLK, (struct flock*)1))                     \
  CASE(fcntl(descriptor, F_OFD_SETLK, NULL))                             \
  CASE(fcntl(descriptor, F_GETLK, nowhere))                              \
  CASE(fcntl(descriptor, F_GETOWN_EX, nowhere))                          \
  CASE(flock(descriptor, -1))                                            \
  CASE(lockf(descriptor, F_LOCK, -1))                                    \
  CASE(open(nowhere, O_RDONLY))                                          \
  CASE(open(NULL, O_RDONLY))                                             \
  CASE(open(NoEndOfPath(), O_RDONLY))                                    \
  CASE(openat(AT_FDCWD, nowhere, O_RDONLY))                              \
  CASE(openat(-1, "x", O_RDONLY))                                        \
  CASE(creat(nowhere, 0600))                                             \
  CASE(truncate(nowhere, 0))                                             \
  CASE(ftruncate(-1, 0))                                                 \
  CASE(rename(nowhere, "/x"))                                            \
  CASE(rename("/no/such", nowhere))                                      \
  CASE(fopen(nowhere, "r") == NULL)                                      \
  CASE(fopen("/dev/null", nowhere) == NULL)                              \
  CASE(freopen(nowhere, "r", stdin) == NULL)                             \
  CASE(close(-1))                                                        \
  CASE(close_range(9, 3, 0))                                             \
  CASE(dup2(-1, 5))                                                      \
  CASE(dup2(descriptor, -1))                                             \
  CASE(sem_open(nowhere, 0) == SEM_FAILED)                               \
  CASE(sem_unlink(nowhere))                                              \
  CASE(sem_close(NULL))                                                  \
  CASE(sem_close(nowhere))                                               \
  CASE(semop(-1, nowhere, 1))                                            \
  CASE(semop(0x7FFFFFFF, nowhere, 1))                                    \
  CASE(semtimedop(-1, NULL, 0, nowhere))                                 \
  CASE(syscall(SYS_futex, nowhere, FUTEX_WAIT, 0, NULL, NULL, 0))        \
  CASE(syscall(SYS_futex, nowhere, FUTEX_WAKE, 1, NULL, NULL, 0))        \
  CASE(syscall(SYS_futex, &event, FUTEX_WAIT, 0, nowhere, NULL, 0))      \
  CASE(syscall(SYS_futex, &event, FUTEX_CMP_REQUEUE, 0, 1L, nowhere, 5)) \
  CASE(syscall(-1))                                                      \
  CASE(sigaction(SIGUSR1, nowhere, NULL))                                \
  CASE(sigaction(SIGUSR1, NULL, nowhere))                                \
  CASE(signal(-1, SIG_IGN) == SIG_ERR)                                   \
  CASE(kill(0x7FFFFFFF, 0))                                              \
  CASE(kill(getpid(), 99))                                               \
  CASE(killpg(-5, 0))                                                    \
  CASE(tgkill(-1, -1, 0))                                                \
  CASE(sigqueue(-1, 0, (union sigval){0}))                               \
  CASE(CreateWith(nowhere, Return))                                      \
  CASE(CreateWith(NULL, Return))                                         \
  CASE(CreateWith(&(pthread_t){0}, nowhere))                             \
  CASE(pthread_join(0, NULL))                                            \
  CASE(pthread_join((pthread_t)nowhere, NULL))                           \
  CASE(pthread_detach(0))                                                \
  CASE(pthread_detach((pthread_t)nowhere))                               \
  CASE(pthread_cancel(0))                                                \
  CASE(pthread_tryjoin_np((pthread_t)nowhere, NULL))                     \
  CASE(pthread_timedjoin_np((pthread_t)nowhere, NULL, nowhere))          \
  CASE(pthread_timedjoin_np(pthread_self(), NULL, nowhere))              \
  CASE(thrd_join((thrd_t)nowhere, NULL))                                 \
  CASE(thrd_detach((thrd_t)nowhere))                                     \
  CASE(UnmapHeld(1, 4096))                                               \
  CASE(UnmapHeld(0, 0))                                                  \
  CASE(munmap((void*)-4096, 8192))                                       \
  CASE(munmap(nowhere, (size_t)-1))                                      \
  CASE(mremap(NULL, 4096, 8192, 0) == MAP_FAILED)                        \
  CASE(prctl(-1, 1, 2, 3, 4))                                            \
  CASE(prctl(PR_SET_NO_NEW_PRIVS, 1, 2, 3, 4))                           \
  CASE(prctl(PR_SET_SECCOMP, 99, 0, 0, 0))                               \
  CASE(pthread_setattr_default_np(nowhere))

int main(void) {
  char* pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  nowhere = pages + 4096;
  last_bytes = nowhere;
  mprotect(nowhere, 4096, PROT_NONE);
  descriptor = open("/bin/true", O_RDONLY);
#define RUN(expression)                    \
  {                                        \
    const pid_t row = fork();              \
    if (row == 0) {                        \
      alarm(20);                           \
      child = fork();                      \
      if (child == 0) {                    \
        _exit(5);                          \
      }                                    \
      errno = 77;                          \
      const long result = (expression);    \
      Say("%ld errno %d ", result, errno); \
      _exit(0);                            \
    }                                      \
    int status = 0;                        \
    waitpid(row, &status, 0);              \
    SayStatus(#expression, status);        \
  }
  CASES(RUN)
  return 0;
}
