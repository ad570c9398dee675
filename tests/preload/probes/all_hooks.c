// A library that makes every call that the shim hooks, when it is loaded and when it is unloaded: the shim
// may not have been set up yet, and the program may be over. Each line is a call by its name, with what came
// of it.
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <sched.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <sys/file.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <threads.h>

#include "probe.h"

extern char** environ;

// By name, so that a name that no header has is one like the others. Not to be asked for in a thread: whoever
// loads this library may hold the loader's lock and wait for it.
static void* Find(const char* name) {
  void* function = dlsym(RTLD_DEFAULT, name);
  if (function == NULL) {
    Say("%s: not there\n", name);
    _exit(97);
  }
  errno = 0;
  return function;
}

static void Report(const char* name, long result) { Say("%s: %ld errno %d\n", name, result, errno); }

#define FUNCTION(result, name, parameters) ((result(*) parameters)Find(#name))
#define CALL(name, parameters, ...) Report(#name, (long)FUNCTION(int, name, parameters)(__VA_ARGS__))
#define CALL_VOID(name, parameters, ...) \
  do {                                   \
    FUNCTION(void, name, parameters)     \
    (__VA_ARGS__);                       \
    Report(#name, 0);                    \
  } while (0)
// The same in a child of its own; the line is how it ended.
#define CALL_IN_CHILD(name, parameters, ...)                  \
  do {                                                        \
    void(*call) parameters = (void(*) parameters)Find(#name); \
    const pid_t child = fork();                               \
    if (child == 0) {                                         \
      call(__VA_ARGS__);                                      \
      _exit(96);                                              \
    }                                                         \
    Reap(#name, child);                                       \
  } while (0)

static const struct timespec past = {1, 0};
static const struct timespec no_time = {0, 0};

static void Mutexes(void) {
  pthread_mutex_t mutex;
  CALL(pthread_mutex_init, (pthread_mutex_t*, void*), &mutex, NULL);
  CALL(pthread_mutex_lock, (pthread_mutex_t*), &mutex);
  CALL(pthread_mutex_unlock, (pthread_mutex_t*), &mutex);
  CALL(pthread_mutex_trylock, (pthread_mutex_t*), &mutex);
  pthread_mutex_unlock(&mutex);
  CALL(pthread_mutex_timedlock, (pthread_mutex_t*, const struct timespec*), &mutex, &past);
  pthread_mutex_unlock(&mutex);
  CALL(pthread_mutex_clocklock, (pthread_mutex_t*, clockid_t, const struct timespec*), &mutex,
       CLOCK_MONOTONIC, &past);
  pthread_mutex_unlock(&mutex);
  CALL(pthread_mutex_setprioceiling, (pthread_mutex_t*, int, int*), &mutex, 1, NULL);
  CALL(pthread_mutex_destroy, (pthread_mutex_t*), &mutex);

  mtx_t other;
  CALL(mtx_init, (mtx_t*, int), &other, mtx_timed);
  CALL(mtx_lock, (mtx_t*), &other);
  CALL(mtx_unlock, (mtx_t*), &other);
  CALL(mtx_trylock, (mtx_t*), &other);
  mtx_unlock(&other);
  CALL(mtx_timedlock, (mtx_t*, const struct timespec*), &other, &past);
  mtx_unlock(&other);
  CALL_VOID(mtx_destroy, (mtx_t*), &other);
}

static void OtherLocks(void) {
  pthread_rwlock_t rwlock;
  CALL(pthread_rwlock_init, (pthread_rwlock_t*, void*), &rwlock, NULL);
  CALL(pthread_rwlock_rdlock, (pthread_rwlock_t*), &rwlock);
  CALL(pthread_rwlock_unlock, (pthread_rwlock_t*), &rwlock);
  CALL(pthread_rwlock_wrlock, (pthread_rwlock_t*), &rwlock);
  pthread_rwlock_unlock(&rwlock);
  CALL(pthread_rwlock_tryrdlock, (pthread_rwlock_t*), &rwlock);
  pthread_rwlock_unlock(&rwlock);
  CALL(pthread_rwlock_trywrlock, (pthread_rwlock_t*), &rwlock);
  pthread_rwlock_unlock(&rwlock);
  CALL(pthread_rwlock_timedrdlock, (pthread_rwlock_t*, const struct timespec*), &rwlock, &past);
  pthread_rwlock_unlock(&rwlock);
  CALL(pthread_rwlock_timedwrlock, (pthread_rwlock_t*, const struct timespec*), &rwlock, &past);
  pthread_rwlock_unlock(&rwlock);
  CALL(pthread_rwlock_clockrdlock, (pthread_rwlock_t*, clockid_t, const struct timespec*), &rwlock,
       CLOCK_MONOTONIC, &past);
  pthread_rwlock_unlock(&rwlock);
  CALL(pthread_rwlock_clockwrlock, (pthread_rwlock_t*, clockid_t, const struct timespec*), &rwlock,
       CLOCK_MONOTONIC, &past);
  pthread_rwlock_unlock(&rwlock);
  CALL(pthread_rwlock_destroy, (pthread_rwlock_t*), &rwlock);

  pthread_spinlock_t spinlock;
  CALL(pthread_spin_init, (pthread_spinlock_t*, int), &spinlock, 0);
  CALL(pthread_spin_lock, (pthread_spinlock_t*), &spinlock);
  CALL(pthread_spin_unlock, (pthread_spinlock_t*), &spinlock);
  CALL(pthread_spin_trylock, (pthread_spinlock_t*), &spinlock);
  pthread_spin_unlock(&spinlock);
  CALL(pthread_spin_destroy, (pthread_spinlock_t*), &spinlock);

  pthread_barrier_t barrier;
  CALL(pthread_barrier_init, (pthread_barrier_t*, void*, unsigned), &barrier, NULL, 1);
  CALL(pthread_barrier_wait, (pthread_barrier_t*), &barrier);
  CALL(pthread_barrier_destroy, (pthread_barrier_t*), &barrier);
}

#include "all_hooks_channels.h"

static int times_called;
static void Count(void) { ++times_called; }

static void Onces(void) {
  pthread_once_t once = PTHREAD_ONCE_INIT;
  times_called = 0;
  CALL(pthread_once, (pthread_once_t*, void (*)(void)), &once, Count);
  pthread_once(&once, Count);
  once_flag flag = ONCE_FLAG_INIT;
  CALL_VOID(call_once, (once_flag*, void (*)(void)), &flag, Count);
  call_once(&flag, Count);
  Say("once: %d\n", times_called);
}

static void Semaphores(void) {
  sem_t semaphore;
  CALL(sem_init, (sem_t*, int, unsigned), &semaphore, 0, 1);
  CALL(sem_wait, (sem_t*), &semaphore);
  CALL(sem_post, (sem_t*), &semaphore);
  CALL(sem_trywait, (sem_t*), &semaphore);
  sem_post(&semaphore);
  CALL(sem_timedwait, (sem_t*, const struct timespec*), &semaphore, &past);
  sem_post(&semaphore);
  CALL(sem_clockwait, (sem_t*, clockid_t, const struct timespec*), &semaphore, CLOCK_MONOTONIC, &past);
  CALL(sem_destroy, (sem_t*), &semaphore);

  char name[64];
  snprintf(name, sizeof(name), "/gordian-all-hooks-%d", getpid());
  sem_t* named = FUNCTION(sem_t*, sem_open, (const char*, int, ...))(name, O_CREAT | O_EXCL, 0600, 1);
  Report("sem_open", named == SEM_FAILED);
  CALL(sem_close, (sem_t*), named);
  CALL(sem_unlink, (const char*), name);

  const int set = semget(IPC_PRIVATE, 1, 0600);
  struct sembuf up = {0, 1, 0};
  struct sembuf down = {0, -1, 0};
  CALL(semop, (int, struct sembuf*, size_t), set, &up, 1);
  CALL(semtimedop, (int, struct sembuf*, size_t, const struct timespec*), set, &down, 1, &no_time);
  CALL(semctl, (int, int, int, ...), set, 0, IPC_RMID);
}

struct Meeting {
  pthread_mutex_t mutex;
  pthread_cond_t condition;
  mtx_t other_mutex;
  cnd_t other_condition;
  int come;
};

static void* Come(void* raw) {
  struct Meeting* meeting = raw;
  pthread_mutex_lock(&meeting->mutex);
  meeting->come = 1;
  pthread_cond_signal(&meeting->condition);
  pthread_mutex_unlock(&meeting->mutex);
  return NULL;
}

static int ComeToo(void* raw) {
  struct Meeting* meeting = raw;
  mtx_lock(&meeting->other_mutex);
  meeting->come = 2;
  cnd_signal(&meeting->other_condition);
  mtx_unlock(&meeting->other_mutex);
  return 0;
}

static void Conditions(void) {
  struct Meeting meeting = {.mutex = PTHREAD_MUTEX_INITIALIZER};
  pthread_t thread;
  CALL(pthread_cond_init, (pthread_cond_t*, void*), &meeting.condition, NULL);
  pthread_mutex_lock(&meeting.mutex);
  int (*wait)(pthread_cond_t*, pthread_mutex_t*) = Find("pthread_cond_wait");
  int result = pthread_create(&thread, NULL, Come, &meeting);
  while (meeting.come != 1) {
    result |= wait(&meeting.condition, &meeting.mutex);
  }
  Report("pthread_cond_wait", result);
  pthread_join(thread, NULL);
  CALL(pthread_cond_timedwait, (pthread_cond_t*, pthread_mutex_t*, const struct timespec*),
       &meeting.condition, &meeting.mutex, &past);
  CALL(pthread_cond_clockwait, (pthread_cond_t*, pthread_mutex_t*, clockid_t, const struct timespec*),
       &meeting.condition, &meeting.mutex, CLOCK_MONOTONIC, &past);
  pthread_mutex_unlock(&meeting.mutex);
  CALL(pthread_cond_signal, (pthread_cond_t*), &meeting.condition);
  CALL(pthread_cond_broadcast, (pthread_cond_t*), &meeting.condition);
  CALL(pthread_cond_destroy, (pthread_cond_t*), &meeting.condition);

  thrd_t other;
  mtx_init(&meeting.other_mutex, mtx_plain);
  CALL(cnd_init, (cnd_t*), &meeting.other_condition);
  mtx_lock(&meeting.other_mutex);
  int (*wait_too)(cnd_t*, mtx_t*) = Find("cnd_wait");
  result = thrd_create(&other, ComeToo, &meeting);
  while (meeting.come != 2) {
    result |= wait_too(&meeting.other_condition, &meeting.other_mutex);
  }
  Report("cnd_wait", result);
  thrd_join(other, NULL);
  CALL(cnd_timedwait, (cnd_t*, mtx_t*, const struct timespec*), &meeting.other_condition,
       &meeting.other_mutex, &past);
  mtx_unlock(&meeting.other_mutex);
  CALL(cnd_signal, (cnd_t*), &meeting.other_condition);
  CALL(cnd_broadcast, (cnd_t*), &meeting.other_condition);
  CALL_VOID(cnd_destroy, (cnd_t*), &meeting.other_condition);
  mtx_destroy(&meeting.other_mutex);
}

static void (*exit_thread)(void*);
static void (*exit_other_thread)(int);

static void* Return(void* value) { return value; }
static int ReturnToo(void* value) { return value != NULL; }
static void* Pause(void* unused) {
  for (;;) {
    pause();
  }
  return unused;
}
static void* Exit(void* value) {
  exit_thread(value);
  return NULL;
}
static int ExitToo(void* value) {
  exit_other_thread(value != NULL);
  return 0;
}

static pthread_t Start(void* (*routine)(void*)) {
  pthread_t thread;
  if (pthread_create(&thread, NULL, routine, &times_called) != 0) {
    _exit(95);
  }
  return thread;
}

static void Threads(void) {
  pthread_t thread;
  void* result = NULL;
  CALL(pthread_create, (pthread_t*, void*, void* (*)(void*), void*), &thread, NULL, Return, NULL);
  CALL(pthread_join, (pthread_t, void**), thread, &result);
  thread = Start(Return);
  int (*try_join)(pthread_t, void**) = Find("pthread_tryjoin_np");
  int joined = try_join(thread, &result);
  for (; joined == EBUSY; joined = try_join(thread, &result)) {
    sched_yield();
  }
  Report("pthread_tryjoin_np", joined);
  CALL(pthread_timedjoin_np, (pthread_t, void**, const struct timespec*), Start(Return), &result, NULL);
  CALL(pthread_clockjoin_np, (pthread_t, void**, clockid_t, const struct timespec*), Start(Return), &result,
       CLOCK_MONOTONIC, NULL);
  thread = Start(Pause);
  CALL(pthread_setname_np, (pthread_t, const char*), thread, "named");
  CALL(pthread_cancel, (pthread_t), thread);
  pthread_join(thread, &result);
  Say("cancelled: %d\n", result == PTHREAD_CANCELED);
  exit_thread = Find("pthread_exit");
  pthread_join(Start(Exit), &result);
  Say("pthread_exit: %d\n", result == &times_called);
  CALL(pthread_detach, (pthread_t), Start(Return));
  pthread_attr_t attributes;
  pthread_getattr_default_np(&attributes);
  CALL(pthread_setattr_default_np, (const pthread_attr_t*), &attributes);
  pthread_attr_destroy(&attributes);

  thrd_t other;
  int value = 0;
  CALL(thrd_create, (thrd_t*, thrd_start_t, void*), &other, ReturnToo, &value);
  CALL(thrd_join, (thrd_t, int*), other, &value);
  exit_other_thread = Find("thrd_exit");
  thrd_create(&other, ExitToo, &value);
  thrd_join(other, &value);
  Say("thrd_exit: %d\n", value);
  thrd_create(&other, ReturnToo, NULL);
  CALL(thrd_detach, (thrd_t), other);
}

static void Sleeps(void) {
  CALL(sleep, (unsigned), 0);
  CALL(usleep, (useconds_t), 0);
  CALL(nanosleep, (const struct timespec*, struct timespec*), &no_time, NULL);
  CALL(__nanosleep, (const struct timespec*, struct timespec*), &no_time, NULL);
  CALL(clock_nanosleep, (clockid_t, int, const struct timespec*, struct timespec*), CLOCK_MONOTONIC, 0,
       &no_time, NULL);
  CALL(thrd_sleep, (const struct timespec*, struct timespec*), &no_time, NULL);
}

static void Memory(void) {
  void* block = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  void* moved = FUNCTION(void*, mremap, (void*, size_t, size_t, int, ...))(block, 8192, 4096, 0);
  Report("mremap", moved != block);
  CALL(munmap, (void*, size_t), block, 4096);
  const int segment = shmget(IPC_PRIVATE, 4096, 0600);
  void* attached = shmat(segment, NULL, 0);
  CALL(shmdt, (const void*), attached);
  shmctl(segment, IPC_RMID, NULL);
  char name[64];
  snprintf(name, sizeof(name), "/gordian-all-hooks-%d", getpid());
  const int fd = FUNCTION(int, shm_open, (const char*, int, mode_t))(name, O_CREAT | O_EXCL | O_RDWR, 0600);
  Report("shm_open", fd < 0);
  close(fd);
  CALL(shm_unlink, (const char*), name);
}

// Opens a file and closes it again.
#define OPENS(name, parameters, ...)                             \
  do {                                                           \
    const int fd = FUNCTION(int, name, parameters)(__VA_ARGS__); \
    Report(#name, fd < 0);                                       \
    close(fd);                                                   \
  } while (0)
#define OPENS_STREAM(name)                                                          \
  do {                                                                              \
    FILE* stream = FUNCTION(FILE*, name, (const char*, const char*))("first", "r"); \
    Report(#name, stream == NULL);                                                  \
    fclose(stream);                                                                 \
  } while (0)
#define REOPENS(name)                                                                        \
  do {                                                                                       \
    FILE* stream = fopen("first", "r");                                                      \
    stream = FUNCTION(FILE*, name, (const char*, const char*, FILE*))("first", "r", stream); \
    Report(#name, stream == NULL);                                                           \
    fclose(stream);                                                                          \
  } while (0)

static void Files(void) {
  OPENS(open, (const char*, int, ...), "first", O_CREAT | O_RDWR, 0600);
  OPENS(open64, (const char*, int, ...), "first", O_RDWR);
  OPENS(openat, (int, const char*, int, ...), AT_FDCWD, "first", O_RDWR);
  OPENS(openat64, (int, const char*, int, ...), AT_FDCWD, "first", O_RDWR);
  OPENS(__open_2, (const char*, int), "first", O_RDWR);
  OPENS(__open64_2, (const char*, int), "first", O_RDWR);
  OPENS(__openat_2, (int, const char*, int), AT_FDCWD, "first", O_RDWR);
  OPENS(__openat64_2, (int, const char*, int), AT_FDCWD, "first", O_RDWR);
  OPENS(creat, (const char*, mode_t), "first", 0600);
  OPENS(creat64, (const char*, mode_t), "first", 0600);
  OPENS_STREAM(fopen);
  OPENS_STREAM(fopen64);
  REOPENS(freopen);
  REOPENS(freopen64);
  CALL(truncate, (const char*, off_t), "first", 10);
  CALL(truncate64, (const char*, off_t), "first", 10);
  CALL(rename, (const char*, const char*), "first", "second");
  CALL(renameat, (int, const char*, int, const char*), AT_FDCWD, "second", AT_FDCWD, "first");
  CALL(renameat2, (int, const char*, int, const char*, unsigned), AT_FDCWD, "first", AT_FDCWD, "second", 0);
  CALL(chdir, (const char*), ".");
  const int folder = open(".", O_RDONLY | O_DIRECTORY);
  CALL(fchdir, (int), folder);
  CALL(close, (int), folder);
}

static void Descriptors(void) {
  const int fd = open("second", O_RDWR);
  CALL(flock, (int, int), fd, LOCK_EX);
  CALL(lockf, (int, int, off_t), fd, F_LOCK, 4);
  CALL(lockf64, (int, int, off_t), fd, F_ULOCK, 4);
  struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 4};
  CALL(fcntl, (int, int, ...), fd, F_SETLKW, &range);
  CALL(fcntl64, (int, int, ...), fd, F_SETLK, &range);
  CALL(__fcntl, (int, int, ...), fd, F_GETFD);
  const int other = FUNCTION(int, dup, (int))(fd);
  Report("dup", other < 0);
  CALL(dup2, (int, int), fd, 90);
  CALL(dup3, (int, int, int), fd, 91, O_CLOEXEC);
  CALL(close_range, (unsigned, unsigned, int), 90, 91, 0);
  CALL_VOID(closefrom, (int), 90);
  CALL(closedir, (DIR*), opendir("."));
  close(other);
  close(fd);

  FILE* stream = fopen("second", "r");
  CALL_VOID(flockfile, (FILE*), stream);
  CALL_VOID(funlockfile, (FILE*), stream);
  CALL(ftrylockfile, (FILE*), stream);
  funlockfile(stream);
  CALL_VOID(_IO_flockfile, (FILE*), stream);
  CALL_VOID(_IO_funlockfile, (FILE*), stream);
  CALL(_IO_ftrylockfile, (FILE*), stream);
  funlockfile(stream);
  CALL(fclose, (FILE*), stream);
}

#define SETS_HANDLER(name) \
  Report(#name, FUNCTION(sighandler_t, name, (int, sighandler_t))(SIGUSR1, SIG_IGN) == SIG_ERR)
#define JUMPS(name, type, set)                                  \
  do {                                                          \
    type place;                                                 \
    void (*jump)(type, int) = (void (*)(type, int))Find(#name); \
    if (set == 0) {                                             \
      jump(place, 1);                                           \
    }                                                           \
    Report(#name, 0);                                           \
  } while (0)

static void Signals(void) {
  CALL(kill, (pid_t, int), getpid(), 0);
  CALL(tgkill, (pid_t, pid_t, int), getpid(), gettid(), 0);
  CALL(killpg, (pid_t, int), getpgrp(), 0);
  CALL(sigqueue, (pid_t, int, union sigval), getpid(), 0, (union sigval){0});
  struct sigaction action = {.sa_handler = SIG_IGN};
  CALL(sigaction, (int, const struct sigaction*, struct sigaction*), SIGUSR1, &action, NULL);
  CALL(__sigaction, (int, const struct sigaction*, struct sigaction*), SIGUSR1, &action, NULL);
  SETS_HANDLER(signal);
  SETS_HANDLER(bsd_signal);
  SETS_HANDLER(ssignal);
  SETS_HANDLER(sysv_signal);
  SETS_HANDLER(__sysv_signal);
  SETS_HANDLER(sigset);
  CALL(sigignore, (int), SIGUSR1);
  signal(SIGUSR1, SIG_DFL);
  JUMPS(longjmp, jmp_buf, setjmp(place));
  JUMPS(_longjmp, jmp_buf, _setjmp(place));
  JUMPS(siglongjmp, sigjmp_buf, sigsetjmp(place, 1));
  JUMPS(__longjmp_chk, sigjmp_buf, sigsetjmp(place, 1));
}

#define FORKS(name)                                    \
  do {                                                 \
    pid_t (*call)(void) = (pid_t(*)(void))Find(#name); \
    const pid_t child = call();                        \
    if (child == 0) {                                  \
      syscall(SYS_exit_group, 7);                      \
    }                                                  \
    Reap(#name, child);                                \
  } while (0)

static pid_t Child(void) {
  const pid_t child = fork();
  if (child == 0) {
    _exit(7);
  }
  return child;
}

#define WAITS(name, parameters, ...)                                  \
  do {                                                                \
    const pid_t child = Child();                                      \
    const pid_t got = FUNCTION(pid_t, name, parameters)(__VA_ARGS__); \
    Report(#name, got != child);                                      \
    SayStatus(#name, status);                                         \
  } while (0)

static void Processes(void) {
  FORKS(fork);
  FORKS(__fork);
  FORKS(_Fork);
  FORKS(vfork);
  FORKS(__vfork);
  int status = 0;
  WAITS(wait, (int*), &status);
  WAITS(__wait, (int*), &status);
  WAITS(waitpid, (pid_t, int*, int), child, &status, 0);
  WAITS(__waitpid, (pid_t, int*, int), child, &status, 0);
  WAITS(wait3, (int*, int, struct rusage*), &status, 0, NULL);
  WAITS(wait4, (pid_t, int*, int, struct rusage*), child, &status, 0, NULL);
  siginfo_t info;
  CALL(waitid, (idtype_t, id_t, siginfo_t*, int), P_PID, (id_t)Child(), &info, WEXITED);
  char* arguments[] = {"true", NULL};
  pid_t child = 0;
  CALL(posix_spawn, (pid_t*, const char*, void*, void*, char**, char**), &child, "/bin/true", NULL, NULL,
       arguments, environ);
  Reap("posix_spawn", child);
  CALL(posix_spawnp, (pid_t*, const char*, void*, void*, char**, char**), &child, "true", NULL, NULL,
       arguments, environ);
  Reap("posix_spawnp", child);
  CALL(system, (const char*), "exit 5");
  FILE* pipe = FUNCTION(FILE*, popen, (const char*, const char*))("exit 6", "r");
  Report("popen", pipe == NULL);
  CALL(pclose, (FILE*), pipe);
  child = fork();
  if (child == 0) {
    const pid_t session = setsid();
    _exit(session == getpid() ? 0 : 1);
  }
  Reap("setsid", child);
  CALL_IN_CHILD(daemon, (int, int), 1, 1);
  CALL(__register_atfork, (void*, void*, void*, void*), NULL, NULL, NULL, NULL);
  CALL(prctl, (int, ...), PR_GET_DUMPABLE, 0, 0, 0, 0);
  Report("syscall", FUNCTION(long, syscall, (long, ...))(SYS_getpid) != getpid());
}

static void Images(void) {
  char* arguments[] = {"sh", "-c", "exit 8", NULL};
  const int shell = open("/bin/sh", O_RDONLY | O_CLOEXEC);
  CALL_IN_CHILD(execve, (const char*, char**, char**), "/bin/sh", arguments, environ);
  CALL_IN_CHILD(execv, (const char*, char**), "/bin/sh", arguments);
  CALL_IN_CHILD(execvp, (const char*, char**), "sh", arguments);
  CALL_IN_CHILD(execvpe, (const char*, char**, char**), "sh", arguments, environ);
  CALL_IN_CHILD(fexecve, (int, char**, char**), shell, arguments, environ);
  CALL_IN_CHILD(execveat, (int, const char*, char**, char**, int), AT_FDCWD, "/bin/sh", arguments, environ,
                0);
  CALL_IN_CHILD(execl, (const char*, const char*, ...), "/bin/sh", "sh", "-c", "exit 8", NULL);
  CALL_IN_CHILD(execlp, (const char*, const char*, ...), "sh", "sh", "-c", "exit 8", NULL);
  CALL_IN_CHILD(execle, (const char*, const char*, ...), "/bin/sh", "sh", "-c", "exit 8", NULL, environ);
  close(shell);
  CALL_IN_CHILD(exit, (int), 9);
  CALL_IN_CHILD(_exit, (int), 9);
  CALL_IN_CHILD(_Exit, (int), 9);
  CALL_IN_CHILD(quick_exit, (int), 9);
  struct rlimit kept;
  getrlimit(RLIMIT_CORE, &kept);
  setrlimit(RLIMIT_CORE, &(struct rlimit){0, kept.rlim_max});
  CALL_IN_CHILD(abort, (void));
  setrlimit(RLIMIT_CORE, &kept);
}

// What the shim has beside its hooks.
static void Annotations(void) {
  static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  void (*name)(const void*, int, const char*) =
      (void (*)(const void*, int, const char*))dlsym(RTLD_DEFAULT, "gordian_shim_name");
  const char* (*trace_path)(void) = (const char* (*)(void))dlsym(RTLD_DEFAULT, "gordian_shim_trace_path");
  if (name != NULL && trace_path != NULL) {
    name(&mutex, 1, "a name");
    trace_path();
  }
}

// What this library starts loads it as well.
static const char* const mark = "ALL_HOOKS_INSIDE";

static void CallAll(const char* when) {
  if (getenv(mark) != NULL) {
    return;
  }
  setenv(mark, "1", 1);
  Say("%s\n", when);
  Mutexes();
  OtherLocks();
  Onces();
  Semaphores();
  Conditions();
  Threads();
  Sleeps();
  Memory();
  Files();
  Descriptors();
  PipeCalls();
  SocketCalls();
  EventCalls();
  SignalCalls();
  MessageQueueCalls();
  Signals();
  Processes();
  Images();
  Annotations();
  Say("end\n");
  unsetenv(mark);
}

__attribute__((constructor)) static void Begin(void) { CallAll("constructor"); }
__attribute__((destructor)) static void End(void) { CallAll("destructor"); }
