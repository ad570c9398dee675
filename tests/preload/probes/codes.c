// What calls return, and what they do to errno: errors, deadlines of every sort, several kinds of objects.
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/sem.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <threads.h>
#include <time.h>

#include "probe.h"

static int line_errno;
// errno is set before and looked at after: a call that does not set it leaves it alone.
#define SHOW(expression)                   \
  do {                                     \
    errno = 77;                            \
    const long shown = (long)(expression); \
    line_errno = errno;                    \
    Say(" %s: %ld", #expression, shown);   \
    if (line_errno != 77) {                \
      Say(" errno %d", line_errno);        \
    }                                      \
    Say("\n");                             \
  } while (0)

// Deadlines.
static const struct timespec kPast = {1, 0}, kZero = {0, 0}, kBefore = {-1, 0}, kNegative = {1, -1},
                             kTooMuch = {1, 1000000000}, kFarNegative = {1 << 30, -5};
static const struct timespec* const kDeadlines[] = {&kPast,    &kZero,        &kBefore, &kNegative,
                                                    &kTooMuch, &kFarNegative, NULL};
static const clockid_t kClocks[] = {
    CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_PROCESS_CPUTIME_ID, CLOCK_BOOTTIME, 77, -1};
enum { kClockCount = sizeof(kClocks) / sizeof(*kClocks) };
static struct timespec Soon(clockid_t clock) {
  struct timespec soon;
  clock_gettime(clock, &soon);
  soon.tv_nsec += 2000000;
  soon.tv_sec += soon.tv_nsec / 1000000000;
  soon.tv_nsec %= 1000000000;
  return soon;
}

static void* Run(void* routine) {
  ((void (*)(void))routine)();
  return NULL;
}
static void Elsewhere(void (*routine)(void)) {
  pthread_t thread;
  pthread_create(&thread, NULL, Run, (void*)routine);
  pthread_join(thread, NULL);
}

// Mutexes: kinds and states are in mutexes.c; here the deadlines.
static pthread_mutex_t mutex;
static void TryMutexDeadlines(void) {
  for (const struct timespec* const* deadline = kDeadlines; *deadline != NULL; ++deadline) {
    Say("deadline %ld %ld:", (*deadline)->tv_sec, (*deadline)->tv_nsec);
    int error = pthread_mutex_timedlock(&mutex, *deadline);
    Say(" %d", error);
    if (error == 0) {
      Say("/%d", pthread_mutex_unlock(&mutex));
    }
    for (int clock = 0; clock < kClockCount; ++clock) {
      error = pthread_mutex_clocklock(&mutex, kClocks[clock], *deadline);
      Say(" %d", error);
      if (error == 0) {
        Say("/%d", pthread_mutex_unlock(&mutex));
      }
    }
    Say("\n");
  }
  const struct timespec real = Soon(CLOCK_REALTIME), monotonic = Soon(CLOCK_MONOTONIC);
  SHOW(pthread_mutex_timedlock(&mutex, &real));
  SHOW(pthread_mutex_clocklock(&mutex, CLOCK_MONOTONIC, &monotonic));
}
static int Mutexes(void) {
  for (int protocol = 0; protocol < 2; ++protocol) {
    for (int robust = 0; robust < 2; ++robust) {
      pthread_mutexattr_t attributes;
      pthread_mutexattr_init(&attributes);
      pthread_mutexattr_setprotocol(&attributes, protocol == 0 ? PTHREAD_PRIO_NONE : PTHREAD_PRIO_INHERIT);
      pthread_mutexattr_setrobust(&attributes, robust);
      SHOW(pthread_mutex_init(&mutex, &attributes));
      pthread_mutex_lock(&mutex);
      Elsewhere(TryMutexDeadlines);
      SHOW(pthread_mutex_unlock(&mutex));
      TryMutexDeadlines();
      SHOW(pthread_mutex_destroy(&mutex));
    }
  }
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_PROTECT);
  SHOW(pthread_mutexattr_setprioceiling(&attributes, 1));
  SHOW(pthread_mutex_init(&mutex, &attributes));
  int ceiling = -1;
  SHOW(pthread_mutex_getprioceiling(&mutex, &ceiling));
  SHOW(ceiling);
  const int error = pthread_mutex_lock(&mutex);
  Say(" lock %d\n", error);
  if (error == 0) {
    SHOW(pthread_mutex_unlock(&mutex));
  }
  return 0;
}

// Read-write locks in every state, through every call.
static pthread_rwlock_t rwlock;
static void UnlockRwlock(int error) {
  Say(" %d", error);
  if (error == 0) {
    Say("/%d", pthread_rwlock_unlock(&rwlock));
  }
}
static void TryRwlock(void) {
  UnlockRwlock(pthread_rwlock_tryrdlock(&rwlock));
  UnlockRwlock(pthread_rwlock_trywrlock(&rwlock));
  for (const struct timespec* const* deadline = kDeadlines; *deadline != NULL; ++deadline) {
    UnlockRwlock(pthread_rwlock_timedrdlock(&rwlock, *deadline));
    UnlockRwlock(pthread_rwlock_timedwrlock(&rwlock, *deadline));
    for (int clock = 0; clock < kClockCount; ++clock) {
      UnlockRwlock(pthread_rwlock_clockrdlock(&rwlock, kClocks[clock], *deadline));
      UnlockRwlock(pthread_rwlock_clockwrlock(&rwlock, kClocks[clock], *deadline));
    }
  }
  const struct timespec real = Soon(CLOCK_REALTIME), monotonic = Soon(CLOCK_MONOTONIC);
  UnlockRwlock(pthread_rwlock_timedrdlock(&rwlock, &real));
  UnlockRwlock(pthread_rwlock_timedwrlock(&rwlock, &real));
  UnlockRwlock(pthread_rwlock_clockrdlock(&rwlock, CLOCK_MONOTONIC, &monotonic));
  UnlockRwlock(pthread_rwlock_clockwrlock(&rwlock, CLOCK_MONOTONIC, &monotonic));
  Say(" errno %d\n", errno);
}
static int Rwlocks(void) {
  for (int kind = 0; kind < 3; ++kind) {
    for (int shared = 0; shared < 2; ++shared) {
      Say("kind %d shared %d\n", kind, shared);
      pthread_rwlockattr_t attributes;
      pthread_rwlockattr_init(&attributes);
      pthread_rwlockattr_setkind_np(&attributes, kind);
      pthread_rwlockattr_setpshared(&attributes, shared);
      memset(&rwlock, 0x5A, sizeof(rwlock));
      SHOW(pthread_rwlock_init(&rwlock, &attributes));
      TryRwlock();
      SHOW(pthread_rwlock_rdlock(&rwlock));
      SHOW(pthread_rwlock_rdlock(&rwlock));
      TryRwlock();
      Elsewhere(TryRwlock);
      SHOW(pthread_rwlock_unlock(&rwlock));
      SHOW(pthread_rwlock_unlock(&rwlock));
      SHOW(pthread_rwlock_wrlock(&rwlock));
      SHOW(pthread_rwlock_wrlock(&rwlock));
      SHOW(pthread_rwlock_rdlock(&rwlock));
      TryRwlock();
      Elsewhere(TryRwlock);
      SHOW(pthread_rwlock_unlock(&rwlock));
      SHOW(pthread_rwlock_destroy(&rwlock));
    }
  }
  return 0;
}

// Semaphores.
static sem_t own;
static void TrySemaphore(sem_t* semaphore) {
  for (const struct timespec* const* deadline = kDeadlines; *deadline != NULL; ++deadline) {
    Say("deadline %ld %ld:\n", (*deadline)->tv_sec, (*deadline)->tv_nsec);
    SHOW(sem_timedwait(semaphore, *deadline));
    for (int clock = 0; clock < kClockCount; ++clock) {
      SHOW(sem_clockwait(semaphore, kClocks[clock], *deadline));
    }
  }
  const struct timespec real = Soon(CLOCK_REALTIME), monotonic = Soon(CLOCK_MONOTONIC);
  SHOW(sem_timedwait(semaphore, &real));
  SHOW(sem_clockwait(semaphore, CLOCK_MONOTONIC, &monotonic));
  SHOW(sem_trywait(semaphore));
  SHOW(sem_post(semaphore));
  SHOW(sem_trywait(semaphore));
  SHOW(sem_post(semaphore));
  SHOW(sem_wait(semaphore));
  int value = -5;
  SHOW(sem_getvalue(semaphore, &value));
  SHOW(value);
}
static int Semaphores(void) {
  for (int shared = 0; shared < 2; ++shared) {
    memset(&own, 0x5A, sizeof(own));
    SHOW(sem_init(&own, shared, 1u + SEM_VALUE_MAX));
    SHOW(sem_init(&own, shared, 2));
    TrySemaphore(&own);
    SHOW(sem_destroy(&own));
    SHOW(sem_init(&own, shared, SEM_VALUE_MAX));
    SHOW(sem_post(&own));
    SHOW(sem_wait(&own));
    SHOW(sem_post(&own));
    SHOW(sem_destroy(&own));
  }
  char name[80], other[300];
  snprintf(name, sizeof(name), "/gordian-codes-%d", getpid());
  memset(other, 'x', sizeof(other) - 1);
  other[0] = '/';
  other[299] = '\0';
  SHOW(sem_open("/gordian-none", 0) == SEM_FAILED);
  SHOW(sem_open("/a/b", O_CREAT, 0600, 1) == SEM_FAILED);
  SHOW(sem_open("", O_CREAT, 0600, 1) == SEM_FAILED);
  SHOW(sem_open(other, O_CREAT, 0600, 1) == SEM_FAILED);
  SHOW(sem_open("/gordian-none", O_CREAT, 0600, 1u + SEM_VALUE_MAX) == SEM_FAILED);
  sem_t* const named = sem_open(name, O_CREAT | O_EXCL, 0600, 3);
  SHOW(named == SEM_FAILED);
  SHOW(sem_open(name, O_CREAT | O_EXCL, 0600, 3) == SEM_FAILED);
  SHOW(sem_open(name, 0) == named);
  SHOW(sem_open(name + 1, O_CREAT, 0600, 9) == named);
  TrySemaphore(named);
  SHOW(sem_unlink(name));
  SHOW(sem_unlink(name));
  SHOW(sem_open(name, 0) == SEM_FAILED);
  SHOW(sem_close(named));
  SHOW(sem_post(named));
  SHOW(sem_close(named));
  SHOW(sem_close(named));
  SHOW(sem_close(&own));
  return 0;
}

static pthread_spinlock_t spinlock;
static void TrySpinlock(void) { SHOW(pthread_spin_trylock(&spinlock)); }
static pthread_barrier_t barrier;
static int serial;
static void WaitBarrier(void) {
  const int result = pthread_barrier_wait(&barrier);
  if (result != 0 && result != PTHREAD_BARRIER_SERIAL_THREAD) {
    Say("barrier %d\n", result);
  }
  __atomic_fetch_add(&serial, result == PTHREAD_BARRIER_SERIAL_THREAD, __ATOMIC_RELAXED);
}
static pthread_once_t once = PTHREAD_ONCE_INIT, inner_once = PTHREAD_ONCE_INIT;
static once_flag flag = ONCE_FLAG_INIT;
static void Inner(void) { Say("inner\n"); }
static void Routine(void) {
  Say("routine\n");
  SHOW(pthread_once(&inner_once, Inner));
}
static int SpinBarrierOnce(void) {
  SHOW(pthread_spin_init(&spinlock, PTHREAD_PROCESS_SHARED));
  SHOW(pthread_spin_lock(&spinlock));
  TrySpinlock();
  Elsewhere(TrySpinlock);
  SHOW(pthread_spin_unlock(&spinlock));
  SHOW(pthread_spin_trylock(&spinlock));
  SHOW(pthread_spin_unlock(&spinlock));
  SHOW(pthread_spin_destroy(&spinlock));
  SHOW(pthread_barrier_init(&barrier, NULL, 0));
  SHOW(pthread_barrier_init(&barrier, NULL, UINT_MAX));
  SHOW(pthread_barrier_init(&barrier, NULL, 1));
  SHOW(pthread_barrier_wait(&barrier));
  SHOW(pthread_barrier_wait(&barrier));
  SHOW(pthread_barrier_destroy(&barrier));
  for (int shared = 0; shared < 2; ++shared) {
    pthread_barrierattr_t attributes;
    pthread_barrierattr_init(&attributes);
    pthread_barrierattr_setpshared(&attributes, shared);
    SHOW(pthread_barrier_init(&barrier, &attributes, 4));
    pthread_t threads[8];
    serial = 0;
    for (int i = 0; i < 8; ++i) {
      pthread_create(&threads[i], NULL, Run, (void*)WaitBarrier);
    }
    for (int i = 0; i < 8; ++i) {
      pthread_join(threads[i], NULL);
    }
    SHOW(serial);
    SHOW(pthread_barrier_destroy(&barrier));
  }
  for (int i = 0; i < 2; ++i) {
    SHOW(pthread_once(&once, Routine));
    errno = 77;
    call_once(&flag, Inner);
    SHOW(errno);
  }
  const pid_t child = fork();
  if (child == 0) {
    SHOW(pthread_once(&once, Routine));
    _exit(0);
  }
  Reap("child", child);
  return 0;
}

static mtx_t c_mutex;
static cnd_t c_condition;
static void TryMtx(void) {
  SHOW(mtx_trylock(&c_mutex));
  for (const struct timespec* const* deadline = kDeadlines; *deadline != NULL; ++deadline) {
    SHOW(mtx_timedlock(&c_mutex, *deadline));
  }
  const struct timespec real = Soon(CLOCK_REALTIME);
  SHOW(mtx_timedlock(&c_mutex, &real));
}
static int Seven(void* unused) {
  (void)unused;
  thrd_exit(7);
}
static int Eight(void* event) {
  while (sem_wait(event) != 0) {
  }
  return 8;
}
static int C11(void) {
  static const int kTypes[] = {mtx_plain, mtx_timed, mtx_plain | mtx_recursive, mtx_timed | mtx_recursive,
                               99};
  for (int i = 0; i < 4; ++i) {
    Say("type %d\n", kTypes[i]);
    const int made = mtx_init(&c_mutex, kTypes[i]);
    SHOW(made);
    if (made != thrd_success) {
      continue;
    }
    SHOW(mtx_lock(&c_mutex));
    Elsewhere(TryMtx);
    if ((kTypes[i] & mtx_recursive) != 0) {
      SHOW(mtx_lock(&c_mutex));
      SHOW(mtx_unlock(&c_mutex));
    }
    SHOW(cnd_init(&c_condition));
    SHOW(cnd_timedwait(&c_condition, &c_mutex, &kPast));
    SHOW(cnd_timedwait(&c_condition, &c_mutex, &kTooMuch));
    const struct timespec real = Soon(CLOCK_REALTIME);
    SHOW(cnd_timedwait(&c_condition, &c_mutex, &real));
    SHOW(cnd_signal(&c_condition));
    SHOW(cnd_broadcast(&c_condition));
    cnd_destroy(&c_condition);
    SHOW(mtx_unlock(&c_mutex));
    SHOW(mtx_trylock(&c_mutex));
    SHOW(mtx_unlock(&c_mutex));
    mtx_destroy(&c_mutex);
  }
  thrd_t thread;
  int value = 0;
  sem_t event;
  sem_init(&event, 0, 0);
  SHOW(thrd_create(&thread, Seven, NULL));
  SHOW(thrd_join(thread, &value));
  SHOW(value);
  SHOW(thrd_create(&thread, Eight, &event));
  sem_post(&event);
  SHOW(thrd_join(thread, NULL));
  SHOW(thrd_create(&thread, Eight, &event));
  SHOW(thrd_detach(thread));
  sem_post(&event);
  SHOW(thrd_equal(thrd_current(), thrd_current()) != 0);
  SHOW(thrd_sleep(&kZero, NULL));
  SHOW(thrd_sleep(&kTooMuch, NULL));
  SHOW(thrd_sleep(&kNegative, NULL));
  return 0;
}

// File locks: what one open file or process may, and another may not.
static char path[64];
static int Fcntl(int descriptor, int operation, short type, off_t start, off_t length) {
  struct flock range = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
  const int result = fcntl(descriptor, operation, &range);
  if (operation == F_GETLK || operation == F_OFD_GETLK) {
    Say(" type %d start %ld length %ld pid %d", range.l_type, (long)range.l_start, (long)range.l_len,
        range.l_pid > 0);
  }
  return result;
}
static void TryFile(void) {
  const int file = open(path, O_RDWR);
  SHOW(flock(file, LOCK_SH | LOCK_NB));
  SHOW(flock(file, LOCK_EX | LOCK_NB));
  SHOW(Fcntl(file, F_SETLK, F_RDLCK, 0, 0));
  SHOW(Fcntl(file, F_SETLK, F_WRLCK, 0, 10));
  SHOW(Fcntl(file, F_GETLK, F_WRLCK, 0, 0));
  SHOW(Fcntl(file, F_OFD_SETLK, F_WRLCK, 5, 1));
  SHOW(Fcntl(file, F_OFD_GETLK, F_WRLCK, 0, 0));
  SHOW(lockf(file, F_TLOCK, 10));
  SHOW(lockf(file, F_TEST, 0));
  SHOW(lockf(file, F_ULOCK, 0));
  close(file);
}
static void TryFileInChild(const char* what) {
  Say("-- %s\n", what);
  const pid_t child = fork();
  if (child == 0) {
    TryFile();
    _exit(0);
  }
  Reap("child", child);
  TryFile();
}
static void Deadlock(void) {
  // This process holds the first byte and waits for the second, another the other way round: one of them is
  // told.
  const int file = open(path, O_RDWR);
  const int ready = eventfd(0, 0);
  eventfd_t value;
  SHOW(Fcntl(file, F_SETLK, F_WRLCK, 0, 1));
  const pid_t child = fork();
  if (child == 0) {
    Fcntl(file, F_SETLKW, F_WRLCK, 1, 1);
    eventfd_write(ready, 1);
    _exit(Fcntl(file, F_SETLKW, F_WRLCK, 0, 1));
  }
  eventfd_read(ready, &value);
  while (SleepsIn(child, child) != SYS_fcntl) {
    sched_yield();
  }
  SHOW(Fcntl(file, F_SETLKW, F_WRLCK, 1, 1));
  SHOW(lockf(file, F_LOCK, 2));
  SHOW(Fcntl(file, F_SETLK, F_UNLCK, 0, 0));
  Reap("child", child);
  close(file);
  close(ready);
}
static int Files(void) {
  strcpy(path, "/tmp/gordian-codes-XXXXXX");
  const int file = mkstemp(path);
  const int reader = open(path, O_RDONLY);
  SHOW(flock(file, LOCK_EX));
  SHOW(flock(file, LOCK_SH));
  TryFileInChild("flock to read");
  SHOW(flock(file, LOCK_EX | LOCK_NB));
  const int copy = dup(file);
  SHOW(flock(copy, LOCK_EX | LOCK_NB));
  close(file);
  TryFileInChild("flock of a copy");
  SHOW(flock(copy, LOCK_UN));
  TryFileInChild("unlocked");
  SHOW(flock(copy, 0));
  SHOW(flock(copy, 77));
  SHOW(flock(-1, LOCK_EX));
  SHOW(flock(reader, LOCK_EX));
  SHOW(flock(reader, LOCK_UN));
  SHOW(Fcntl(copy, F_SETLKW, F_WRLCK, 0, 0));
  SHOW(Fcntl(copy, F_SETLK, F_UNLCK, 3, 4));
  TryFileInChild(
      "fcntl");  // which closes a descriptor of the file here too, and with it all of fcntl's locks
  TryFileInChild("after a close");
  SHOW(Fcntl(copy, F_OFD_SETLKW, F_RDLCK, 2, 8));
  TryFileInChild("fcntl of an open file");
  SHOW(Fcntl(copy, F_OFD_SETLK, F_UNLCK, 0, 0));
  SHOW(Fcntl(reader, F_SETLK, F_WRLCK, 0, 0));
  SHOW(Fcntl(reader, F_SETLK, F_RDLCK, 0, 0));
  SHOW(Fcntl(reader, F_SETLK, 99, 0, 0));
  SHOW(Fcntl(copy, F_SETLK, F_WRLCK, -1, 0));
  SHOW(Fcntl(-1, F_SETLK, F_WRLCK, 0, 0));
  SHOW(fcntl(copy, F_SETLKW, NULL));
  struct flock wrong = {.l_type = F_WRLCK, .l_pid = 1};
  SHOW(fcntl(copy, F_OFD_SETLK, &wrong));
  SHOW(lockf(copy, F_LOCK, 5));
  SHOW(lockf(copy, F_TEST, 5));
  TryFileInChild("lockf");
  SHOW(lockf(copy, 99, 5));
  SHOW(lockf(-1, F_LOCK, 5));
  SHOW(lockf64(reader, F_TLOCK, 5));
  Deadlock();
  Deadlock();
  unlink(path);
  return 0;
}

// fcntl is much more than locks, and has a third argument or none.
static int Fcntls(void) {
  const int file = open("/dev/null", O_RDWR);
  int ends[2];
  if (pipe(ends) != 0) {
    return 1;
  }
  SHOW(fcntl(file, F_GETFD));
  SHOW(fcntl(file, F_SETFD, FD_CLOEXEC));
  SHOW(fcntl(file, F_GETFD));
  SHOW(fcntl(file, F_DUPFD, 50));
  SHOW(fcntl(file, F_DUPFD_CLOEXEC, 60));
  SHOW(fcntl(60, F_GETFD));
  SHOW(fcntl(file, F_GETFL));
  SHOW(fcntl(file, F_SETFL, O_NONBLOCK));
  SHOW(fcntl64(file, F_GETFL));
  SHOW(fcntl(ends[0], F_SETPIPE_SZ, 65536));
  SHOW(fcntl(ends[0], F_GETPIPE_SZ));
  struct f_owner_ex owner = {F_OWNER_PID, getpid()};
  SHOW(fcntl(ends[0], F_SETOWN_EX, &owner));
  owner.pid = 0;
  SHOW(fcntl(ends[0], F_GETOWN_EX, &owner));
  SHOW(owner.pid == getpid());
  SHOW(fcntl(ends[0], F_GETOWN) == getpid());
  SHOW(fcntl(ends[0], F_SETSIG, SIGUSR1));
  SHOW(fcntl(ends[0], F_GETSIG));
  const int memory = memfd_create("codes", MFD_ALLOW_SEALING);
  SHOW(fcntl(memory, F_ADD_SEALS, F_SEAL_SHRINK));
  SHOW(fcntl(memory, F_GET_SEALS));
  SHOW(fcntl(-1, F_GETFD));
  SHOW(fcntl(file, 9999));
  return 0;
}

static int Streams(void) {
  FILE* stream = tmpfile();
  flockfile(stream);
  SHOW(ftrylockfile(stream));
  SHOW(fputs("text", stream) >= 0);
  funlockfile(stream);
  funlockfile(stream);
  SHOW(ftrylockfile(stream));
  funlockfile(stream);
  SHOW(fclose(stream));
  return 0;
}

static int Ipc(void) {
  const int set = semget(IPC_PRIVATE, 2, 0600);
  semctl(set, 0, SETVAL, 1);
  semctl(set, 1, SETVAL, 0);
  struct sembuf take = {0, -1, IPC_NOWAIT}, give = {0, 1, SEM_UNDO}, zero = {1, 0, IPC_NOWAIT},
                two[2] = {take, zero};
  struct sembuf none = {7, 1, 0}, slow = {0, -1, 0};
  SHOW(semop(set, &take, 1));
  SHOW(semop(set, &take, 1));
  SHOW(semop(set, &zero, 1));
  SHOW(semop(set, two, 2));
  SHOW(semop(set, &none, 1));
  SHOW(semop(set, &take, 0));
  SHOW(semop(set, &take, 1 << 20));
  SHOW(semop(-1, &take, 1));
  SHOW(semop(set, NULL, 1));
  const struct timespec little = {0, 2000000};
  SHOW(semtimedop(set, &slow, 1, &little));
  SHOW(semtimedop(set, &slow, 1, &kTooMuch));
  SHOW(semtimedop(set, &slow, 1, &kNegative));
  const pid_t child = fork();
  if (child == 0) {
    SHOW(semop(set, &give, 1));
    SHOW(semctl(set, 0, GETVAL));
    _exit(0);
  }
  Reap("child", child);
  SHOW(semctl(set, 0, GETVAL));
  SHOW(semtimedop(set, two, 2, NULL));
  SHOW(semctl(set, 0, IPC_RMID));
  SHOW(semop(set, &take, 1));
  return 0;
}

static int Sleeps(void) {
  struct timespec left = {5, 5};
  const struct timespec little = {0, 1000};
  SHOW(nanosleep(&little, &left));
  SHOW(left.tv_nsec);
  SHOW(nanosleep(&kTooMuch, &left));
  SHOW(nanosleep(&kNegative, NULL));
  SHOW(nanosleep(&kBefore, NULL));
  for (int clock = 0; clock < kClockCount; ++clock) {
    if (kClocks[clock] != CLOCK_PROCESS_CPUTIME_ID) {  // which stands still
      SHOW(clock_nanosleep(kClocks[clock], 0, &little, &left));
    }
    SHOW(clock_nanosleep(kClocks[clock], TIMER_ABSTIME, &kZero, &left));
    SHOW(clock_nanosleep(kClocks[clock], TIMER_ABSTIME, &kTooMuch, &left));
  }
  SHOW(clock_nanosleep(CLOCK_THREAD_CPUTIME_ID, 0, &little, &left));
  SHOW(usleep(0));
  SHOW(usleep(10));
  SHOW(sleep(0));
  return 0;
}

static int word;
static int Syscalls(void) {
  SHOW(syscall(SYS_getpid) == getpid());
  SHOW(syscall(99999));
  SHOW(syscall(SYS_close, -1));
  SHOW(syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 1, NULL, NULL, 0));
  const struct timespec little = {0, 2000000};
  SHOW(syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, &little, NULL, 0));
  SHOW(syscall(SYS_futex, &word, FUTEX_WAIT_BITSET, 0, &kPast, NULL, FUTEX_BITSET_MATCH_ANY));
  SHOW(syscall(SYS_futex, &word, FUTEX_WAIT_BITSET, 0, &kPast, NULL, 0));
  SHOW(syscall(SYS_futex, &word, FUTEX_WAIT, 0, &kTooMuch, NULL, 0));
  SHOW(syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0));
  SHOW(syscall(SYS_futex, &word, 77, 1, NULL, NULL, 0));
  SHOW(syscall(SYS_futex, (char*)&word + 1, FUTEX_WAIT, 0, &little, NULL, 0));
  SHOW(syscall(SYS_futex, NULL, FUTEX_WAIT, 0, &little, NULL, 0));
  SHOW(syscall(SYS_futex, NULL, FUTEX_WAKE, 1));
  // Six arguments.
  char* memory =
      (char*)syscall(SYS_mmap, NULL, 8192L, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0L);
  SHOW(memory != MAP_FAILED);
  memory[8191] = 1;
  SHOW(munmap(memory, 8192));
  return 0;
}

// Who handles a signal, as the program is told.
static volatile int handled;
static void Handler(int signal) { handled = signal; }
static void InfoHandler(int signal, siginfo_t* info, void* context) {
  handled = signal * 100 + info->si_value.sival_int + (context == NULL);
}
static void ShowHandler(const char* what, int signal) {
  struct sigaction now;
  memset(&now, 0, sizeof(now));
  const int error = sigaction(signal, NULL, &now);
  Say("%s: %d, %s, flags %#x, mask %d\n", what, error,
      now.sa_handler == SIG_DFL         ? "default"
      : now.sa_handler == SIG_IGN       ? "ignored"
      : now.sa_handler == Handler       ? "Handler"
      : now.sa_sigaction == InfoHandler ? "InfoHandler"
                                        : "another",
      now.sa_flags & ~0x04000000, sigismember(&now.sa_mask, SIGUSR2));
}
static int Handlers(void) {
  struct sigaction action, old;
  memset(&action, 0, sizeof(action));
  ShowHandler("at first", SIGUSR1);
  action.sa_handler = Handler;
  sigaddset(&action.sa_mask, SIGUSR2);
  action.sa_flags = SA_RESTART;
  SHOW(sigaction(SIGUSR1, &action, &old));
  SHOW(old.sa_handler == SIG_DFL);
  ShowHandler("handled", SIGUSR1);
  SHOW(raise(SIGUSR1));
  SHOW(handled);
  action.sa_sigaction = InfoHandler;
  action.sa_flags = SA_SIGINFO | SA_NODEFER;
  SHOW(sigaction(SIGUSR1, &action, &old));
  SHOW(old.sa_handler == Handler);
  ShowHandler("with info", SIGUSR1);
  const union sigval value = {.sival_int = 5};
  SHOW(sigqueue(getpid(), SIGUSR1, value));
  SHOW(handled);
  SHOW(pthread_kill(pthread_self(), SIGUSR1));
  SHOW(signal(SIGUSR1, Handler) == (void (*)(int))(void*)InfoHandler);
  ShowHandler("by signal", SIGUSR1);
  SHOW(signal(SIGUSR1, SIG_IGN) == Handler);
  ShowHandler("ignored", SIGUSR1);
  SHOW(sysv_signal(SIGUSR1, Handler) == SIG_IGN);
  ShowHandler("once", SIGUSR1);
  SHOW(raise(SIGUSR1));
  ShowHandler("after the one time", SIGUSR1);
  SHOW(sigset(SIGUSR1, Handler) == SIG_DFL);
  SHOW(sigset(SIGUSR1, SIG_HOLD) == Handler);
  SHOW(sigrelse(SIGUSR1));
  SHOW(signal(SIGKILL, Handler) == SIG_ERR);
  SHOW(sigaction(SIGSTOP, &action, NULL));
  SHOW(sigaction(99, NULL, &old));
  SHOW(sigaction(32, &action, NULL));
  SHOW(signal(SIGUSR1, SIG_DFL) == Handler);
  action.sa_handler = Handler;
  action.sa_flags = (int)SA_RESETHAND;
  SHOW(sigaction(SIGUSR2, &action, NULL));
  const pid_t child = fork();
  if (child == 0) {
    ShowHandler("in a child", SIGUSR2);
    _exit(0);
  }
  Reap("child", child);
  // What the kernel says of this process.
  char text[4096] = "";
  const int status = open("/proc/self/status", O_RDONLY);
  if (read(status, text, sizeof(text) - 1) > 0) {
    const char* caught = strstr(text, "SigBlk");
    Say("%.*s\n", (int)(strstr(text, "CapInh") - caught), caught);
  }
  return 0;
}

int main(int argc, char** argv) {
  static const struct Scenario kScenarios[] = {
      {"mutexes", Mutexes},
      {"rwlocks", Rwlocks},
      {"semaphores", Semaphores},
      {"spin-barrier-once", SpinBarrierOnce},
      {"c11", C11},
      {"files", Files},
      {"fcntls", Fcntls},
      {"streams", Streams},
      {"system-v", Ipc},
      {"sleeps", Sleeps},
      {"syscalls", Syscalls},
      {"handlers", Handlers},
      {NULL, NULL},
  };
  alarm(60);
  return RunScenario(kScenarios, argc, argv);
}
