// Every call that can wait, with a thread blocked in it: let in, cancelled, interrupted. What it returns,
// which clean-up handlers run, and what state the object is in afterwards. Each row in a process of its own,
// which an alarm ends.
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/msg.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <threads.h>
#include <time.h>

#include "probe.h"

enum Flags {
  kPoint = 1,        // a cancellation point
  kNeedsVictim = 2,  // nothing to release when the thread is gone
  kNotAsynchronous = 4,
};
struct Call {
  const char* name;
  long number;            // the system call that it sleeps in; -1: it spins
  int flags;              // Flags
  int kind;               // of the object
  int how;                // which call
  void (*prepare)(void);  // what the call asks for is taken
  int (*block)(void);
  void (*undo)(void);     // by the thread, when the call gave it what it wanted
  void (*unwind)(void);   // by the thread, when it was cancelled inside; may be null
  void (*release)(void);  // lets the call come back
  void (*state)(void);    // what is left
};
static const struct Call* call;

// What the main thread and the thread in the call have to tell, one after the other: they run side by side,
// and printing is a cancellation point.
static char told[2][1024];
static _Thread_local char* my_text = told[0];
__attribute__((format(printf, 1, 2))) static void Note(const char* format, ...) {
  const size_t used = strlen(my_text);
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(my_text + used, sizeof(told[0]) - used, format, arguments);
  va_end(arguments);
}
static void NoteEnd(const char* who, pid_t pid) {
  int status = 0;
  const pid_t got = waitpid(pid, &status, 0);
  Note("%s %d status %#x", who, got == pid, status);
}

static struct timespec Far(clockid_t clock) {
  struct timespec far;
  clock_gettime(clock, &far);
  far.tv_sec += 1000;
  return far;
}

// Mutexes.
static pthread_mutex_t mutex;
enum { kPlain, kTimed, kClock };
enum { kNormal, kRecursive, kErrorcheck, kAdaptive, kRobust, kInherit, kProtect, kShared };
static void TakeMutex(void) {
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  if (call->kind <= kAdaptive) {
    static const int kTypes[] = {PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_RECURSIVE, PTHREAD_MUTEX_ERRORCHECK,
                                 PTHREAD_MUTEX_ADAPTIVE_NP};
    pthread_mutexattr_settype(&attributes, kTypes[call->kind]);
  }
  pthread_mutexattr_setrobust(&attributes,
                              call->kind == kRobust ? PTHREAD_MUTEX_ROBUST : PTHREAD_MUTEX_STALLED);
  pthread_mutexattr_setprotocol(&attributes, call->kind == kInherit   ? PTHREAD_PRIO_INHERIT
                                             : call->kind == kProtect ? PTHREAD_PRIO_PROTECT
                                                                      : PTHREAD_PRIO_NONE);
  pthread_mutexattr_setpshared(&attributes, call->kind == kShared);
  Note("init %d", pthread_mutex_init(&mutex, &attributes));
  Note(" lock %d", pthread_mutex_lock(&mutex));
}
static int LockMutex(void) {
  const struct timespec real = Far(CLOCK_REALTIME);
  const struct timespec monotonic = Far(CLOCK_MONOTONIC);
  return call->how == kPlain   ? pthread_mutex_lock(&mutex)
         : call->how == kTimed ? pthread_mutex_timedlock(&mutex, &real)
                               : pthread_mutex_clocklock(&mutex, CLOCK_MONOTONIC, &monotonic);
}
static void UnlockMutex(void) { Note(" unlock %d", pthread_mutex_unlock(&mutex)); }
static void MutexState(void) {
  Note(" trylock %d", pthread_mutex_trylock(&mutex));
  Note(" unlock %d", pthread_mutex_unlock(&mutex));
  Note(" destroy %d", pthread_mutex_destroy(&mutex));
}

// Read-write locks.
static pthread_rwlock_t rwlock;
enum { kRead = 0, kWrite = 3 };  // and the way to wait
static void TakeRwlock(void) {
  pthread_rwlockattr_t attributes;
  pthread_rwlockattr_init(&attributes);
  pthread_rwlockattr_setkind_np(&attributes, call->kind);
  pthread_rwlock_init(&rwlock, &attributes);
  Note("lock %d", call->how < kWrite ? pthread_rwlock_wrlock(&rwlock) : pthread_rwlock_rdlock(&rwlock));
}
static int LockRwlock(void) {
  const struct timespec real = Far(CLOCK_REALTIME);
  const struct timespec monotonic = Far(CLOCK_MONOTONIC);
  switch (call->how) {
    case kRead + kPlain:
      return pthread_rwlock_rdlock(&rwlock);
    case kRead + kTimed:
      return pthread_rwlock_timedrdlock(&rwlock, &real);
    case kRead + kClock:
      return pthread_rwlock_clockrdlock(&rwlock, CLOCK_MONOTONIC, &monotonic);
    case kWrite + kPlain:
      return pthread_rwlock_wrlock(&rwlock);
    case kWrite + kTimed:
      return pthread_rwlock_timedwrlock(&rwlock, &real);
    default:
      return pthread_rwlock_clockwrlock(&rwlock, CLOCK_MONOTONIC, &monotonic);
  }
}
static void UnlockRwlock(void) { Note(" unlock %d", pthread_rwlock_unlock(&rwlock)); }
static void RwlockState(void) {
  const int read = pthread_rwlock_tryrdlock(&rwlock);
  Note(" tryrdlock %d", read);
  if (read == 0) {
    UnlockRwlock();
  }
  const int write = pthread_rwlock_trywrlock(&rwlock);
  Note(" trywrlock %d", write);
  if (write == 0) {
    UnlockRwlock();
  }
}

static pthread_spinlock_t spinlock;
static void TakeSpinlock(void) {
  pthread_spin_init(&spinlock, 0);
  Note("lock %d", pthread_spin_lock(&spinlock));
}
static int LockSpinlock(void) { return pthread_spin_lock(&spinlock); }
static void UnlockSpinlock(void) { Note(" unlock %d", pthread_spin_unlock(&spinlock)); }
static void SpinlockState(void) {
  Note(" trylock %d", pthread_spin_trylock(&spinlock));
  UnlockSpinlock();
}

// Semaphores.
static sem_t own_semaphore;
static sem_t* semaphore;
enum { kPrivate, kOfProcesses, kNamed };
static void EmptySemaphore(void) {
  if (call->kind == kNamed) {
    char name[64];
    snprintf(name, sizeof(name), "/gordian-probe-%d", getpid());
    semaphore = sem_open(name, O_CREAT | O_EXCL, 0600, 0);
    Note("open %d unlink %d", semaphore != SEM_FAILED, sem_unlink(name));
  } else {
    semaphore = &own_semaphore;
    Note("init %d", sem_init(semaphore, call->kind == kOfProcesses, 0));
  }
}
static int WaitSemaphore(void) {
  const struct timespec real = Far(CLOCK_REALTIME);
  const struct timespec monotonic = Far(CLOCK_MONOTONIC);
  return call->how == kPlain   ? sem_wait(semaphore)
         : call->how == kTimed ? sem_timedwait(semaphore, &real)
                               : sem_clockwait(semaphore, CLOCK_MONOTONIC, &monotonic);
}
static void Post(void) { Note(" post %d", sem_post(semaphore)); }
static void SemaphoreState(void) {
  int value = -1;
  Note(" getvalue %d", sem_getvalue(semaphore, &value));
  Note(" value %d %s", value, call->kind == kNamed ? "close" : "destroy");
  Note(" %d", call->kind == kNamed ? sem_close(semaphore) : sem_destroy(semaphore));
}

// Conditions.
static pthread_cond_t condition;
static int mutex_is_ours;
static void MakeCondition(void) {
  pthread_condattr_t attributes;
  pthread_condattr_init(&attributes);
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  pthread_cond_init(&condition, &attributes);
  pthread_mutexattr_t mutex_attributes;
  pthread_mutexattr_init(&mutex_attributes);
  static const int kTypes[] = {PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_RECURSIVE, PTHREAD_MUTEX_ERRORCHECK};
  pthread_mutexattr_settype(&mutex_attributes, kTypes[call->kind]);
  pthread_mutex_init(&mutex, &mutex_attributes);
}
static int WaitCondition(void) {
  const struct timespec monotonic = Far(CLOCK_MONOTONIC);
  const struct timespec real = Far(CLOCK_REALTIME);
  pthread_mutex_lock(&mutex);
  mutex_is_ours = 1;
  return call->how == kPlain   ? pthread_cond_wait(&condition, &mutex)
         : call->how == kTimed ? pthread_cond_timedwait(&condition, &mutex, &monotonic)
                               : pthread_cond_clockwait(&condition, &mutex, CLOCK_REALTIME, &real);
}
static void SignalCondition(void) { Note(" signal %d", pthread_cond_signal(&condition)); }
static void ConditionState(void) {
  MutexState();
  Note(" destroy %d", pthread_cond_destroy(&condition));
}

static pthread_barrier_t barrier;
static void MakeBarrier(void) { Note("init %d", pthread_barrier_init(&barrier, NULL, 2)); }
static int WaitBarrier(void) { return pthread_barrier_wait(&barrier) == 0 ? 0 : 1; }
static void PassBarrier(void) {
  Note(" serial %d", pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD);
}
static void BarrierState(void) { Note(" destroy %d", pthread_barrier_destroy(&barrier)); }

// Initialisation by one of many. kWaiter waits for the one, kRunner is the one.
static pthread_once_t once = PTHREAD_ONCE_INIT;
static once_flag flag = ONCE_FLAG_INIT;
static sem_t inside, go;
static int routines;
static pthread_t runner;
enum { kPosix, kC11 };
enum { kWaiter, kRunner };
static void Routine(void) {
  ++routines;
  sem_post(&inside);
  while (sem_wait(&go) != 0) {
  }
}
static int RunOnce(void) {
  if (call->kind == kPosix) {
    return pthread_once(&once, Routine);
  }
  call_once(&flag, Routine);
  return 0;
}
static void* Runner(void* unused) {
  RunOnce();
  return unused;
}
static void BeginOnce(void) {
  sem_init(&inside, 0, 0);
  sem_init(&go, 0, 0);
  if (call->how == kWaiter) {
    pthread_create(&runner, NULL, Runner, NULL);
    sem_wait(&inside);
  }
}
static void EndRoutine(void) { Note(" post %d", sem_post(&go)); }
static void OnceState(void) {
  if (call->how == kWaiter) {
    Note(" join %d", pthread_join(runner, NULL));
  }
  sem_post(&go);
  Note(" again %d", RunOnce());
  Note(" routines %d", routines);
}

// C11.
static mtx_t c_mutex;
static cnd_t c_condition;
static void TakeMtx(void) {
  Note("init %d", mtx_init(&c_mutex, call->kind));
  Note(" lock %d", mtx_lock(&c_mutex));
}
static int LockMtx(void) {
  const struct timespec real = Far(CLOCK_REALTIME);
  return call->how == kPlain ? mtx_lock(&c_mutex) : mtx_timedlock(&c_mutex, &real);
}
static void UnlockMtx(void) { Note(" unlock %d", mtx_unlock(&c_mutex)); }
static void MtxState(void) {
  Note(" trylock %d", mtx_trylock(&c_mutex));
  UnlockMtx();
  mtx_destroy(&c_mutex);
}
static void MakeCnd(void) {
  mtx_init(&c_mutex, mtx_plain);
  Note("init %d", cnd_init(&c_condition));
}
static int WaitCnd(void) {
  const struct timespec real = Far(CLOCK_REALTIME);
  mtx_lock(&c_mutex);
  return call->how == kPlain ? cnd_wait(&c_condition, &c_mutex)
                             : cnd_timedwait(&c_condition, &c_mutex, &real);
}
static void SignalCnd(void) { Note(" signal %d", cnd_signal(&c_condition)); }
static void CndState(void) {
  MtxState();
  cnd_destroy(&c_condition);
}

// Streams.
static FILE* stream;
static void TakeStream(void) {
  stream = fopen("/dev/null", "w");
  flockfile(stream);
}
static int LockStream(void) {
  flockfile(stream);
  return 0;
}
static int PutToStream(void) { return putc('x', stream) == 'x' ? 0 : -1; }
static void UnlockStream(void) { funlockfile(stream); }
static void NothingToUndo(void) {}
static void StreamState(void) {
  Note(" trylock %d", ftrylockfile(stream));
  funlockfile(stream);
  Note(" close %d", fclose(stream));
}

// Files: the lock is another open file's, or another process's.
static char path[64];
static int file, other_file;
static int to_holder[2];
static pid_t holder;
enum { kFlock, kFlockShared, kRecord, kRecord64, kOpenFile, kLockf, kLockf64 };
static int LockFile(int descriptor, int wait) {
  struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 10, .l_len = 5};
  switch (call->kind) {
    case kFlock:
      return flock(descriptor, LOCK_EX | (wait ? 0 : LOCK_NB));
    case kFlockShared:
      return flock(descriptor, (wait ? LOCK_SH : LOCK_EX) | (wait ? 0 : LOCK_NB));
    case kRecord:
      return fcntl(descriptor, wait ? F_SETLKW : F_SETLK, &range);
    case kRecord64:
      return fcntl64(descriptor, wait ? F_SETLKW64 : F_SETLK64, (struct flock64*)&range);
    case kOpenFile:
      return fcntl(descriptor, wait ? F_OFD_SETLKW : F_OFD_SETLK, &range);
    case kLockf:
      return lockf(descriptor, wait ? F_LOCK : F_TLOCK, 5);
    default:
      return lockf64(descriptor, wait ? F_LOCK : F_TLOCK, 5);
  }
}
static int UnlockFile(int descriptor) {
  struct flock range = {.l_type = F_UNLCK, .l_whence = SEEK_SET, .l_start = 10, .l_len = 5};
  switch (call->kind) {
    case kFlock:
    case kFlockShared:
      return flock(descriptor, LOCK_UN);
    case kRecord:
    case kRecord64:
      return fcntl(descriptor, F_SETLK, &range);
    case kOpenFile:
      return fcntl(descriptor, F_OFD_SETLK, &range);
    default:
      return lockf(descriptor, F_ULOCK, 5);
  }
}
static int IsOfProcess(void) {
  return call->kind != kFlock && call->kind != kFlockShared && call->kind != kOpenFile;
}
static void TakeFile(void) {
  strcpy(path, "/tmp/gordian-probe-XXXXXX");
  file = mkstemp(path);
  other_file = open(path, O_RDWR);
  if (!IsOfProcess()) {
    Note("lock %d", LockFile(other_file, 0));
    return;
  }
  int locked[2];
  char byte = 0;
  if (pipe(to_holder) != 0 || pipe(locked) != 0) {
    _exit(97);
  }
  holder = fork();
  if (holder == 0) {
    close(to_holder[1]);
    byte = (char)LockFile(file, 0);
    if (write(locked[1], &byte, 1) != 1 || read(to_holder[0], &byte, 1) != 0) {
      _exit(97);
    }
    _exit(0);
  }
  Note("read %zd", read(locked[0], &byte, 1));
  Note(" lock %d", byte);
}
static int WaitFile(void) { return LockFile(file, 1); }
static void UndoFile(void) { Note(" unlock %d", UnlockFile(file)); }
static void ReleaseFile(void) {
  if (IsOfProcess()) {
    close(to_holder[1]);
    NoteEnd(" holder", holder);
  } else {
    Note(" unlock %d", UnlockFile(other_file));
  }
}
static void FileState(void) {
  Note(" lock %d", LockFile(other_file, 0));
  Note(" unlock %d", UnlockFile(other_file));
  unlink(path);
}

// System V.
static int set;
static int Add(int amount) {
  struct sembuf operation = {0, (short)amount, 0};
  const struct timespec far = {1000, 0};
  return call->how == kPlain ? semop(set, &operation, 1) : semtimedop(set, &operation, 1, &far);
}
static void MakeSet(void) {
  set = semget(IPC_PRIVATE, 1, 0600);
  Note("setval %d", semctl(set, 0, SETVAL, 0));
}
static int TakeOne(void) { return Add(-1); }
static void GiveOne(void) { Note(" add %d", Add(1)); }
static void SetState(void) {
  Note(" value %d", semctl(set, 0, GETVAL));
  Note(" remove %d", semctl(set, 0, IPC_RMID));
}

// Threads.
static pthread_t target;
static thrd_t c_target;
static void* Target(void* unused) {
  while (sem_wait(&go) != 0) {
  }
  return unused;
}
static int CTarget(void* unused) {
  Target(unused);
  return 7;
}
enum { kJoin, kTimedJoin, kClockJoin, kCJoin };
static void MakeTarget(void) {
  sem_init(&go, 0, 0);
  if (call->how == kCJoin) {
    Note("create %d", thrd_create(&c_target, CTarget, NULL));
  } else {
    Note("create %d", pthread_create(&target, NULL, Target, &go));
  }
}
static int joined;
static int JoinTarget(void) {
  const struct timespec real = Far(CLOCK_REALTIME);
  const struct timespec monotonic = Far(CLOCK_MONOTONIC);
  void* value = NULL;
  int c_value = 0;
  int result;
  switch (call->how) {
    case kJoin:
      result = pthread_join(target, &value);
      break;
    case kTimedJoin:
      result = pthread_timedjoin_np(target, &value, &real);
      break;
    case kClockJoin:
      result = pthread_clockjoin_np(target, &value, CLOCK_MONOTONIC, &monotonic);
      break;
    default:
      result = thrd_join(c_target, &c_value);
      Note(" value %d", c_value);
  }
  joined = result == 0;
  return result;
}
static void TargetState(void) {
  if (!joined) {
    Note(" join %d", JoinTarget());
  }
}

// Children.
static pid_t child;
enum { kWait, kWaitpid, kWait3, kWait4, kWaitid, kWaitidAny };
static void MakeChild(void) {
  child = fork();
  if (child == 0) {
    pause();
    _exit(96);
  }
}
static int reaped;
static int WaitChild(void) {
  int status = 0;
  struct rusage usage;
  siginfo_t info;
  memset(&info, 0, sizeof(info));
  pid_t result;
  switch (call->how) {
    case kWait:
      result = wait(&status);
      break;
    case kWaitpid:
      result = waitpid(child, &status, 0);
      break;
    case kWait3:
      result = wait3(&status, 0, &usage);
      break;
    case kWait4:
      result = wait4(child, &status, 0, &usage);
      break;
    case kWaitid:
      result = waitid(P_PID, (id_t)child, &info, WEXITED) == 0 ? info.si_pid : -1;
      status = info.si_status;
      break;
    default:
      result = waitid(P_ALL, 0, &info, WEXITED) == 0 ? info.si_pid : -1;
      status = info.si_status;
  }
  reaped = result == child;
  if (result == -1) {
    return -1;
  }
  Note(" child %d status %d", result == child, status);
  return 0;
}
static void EndChild(void) { Note(" kill %d", kill(child, SIGKILL)); }
static void ChildState(void) {
  if (!reaped) {
    NoteEnd(" child", child);
  }
}

// Commands that end when their standard input does.
static int input[2];
static int saved_input;
static FILE* command;
static void MakeInput(void) {
  if (pipe(input) != 0) {
    _exit(97);
  }
  fcntl(input[1], F_SETFD, FD_CLOEXEC);
  saved_input = dup(0);
  dup2(input[0], 0);
  close(input[0]);
}
static int RunCommand(void) { return system("cat; exit 3") == 3 << 8 ? 0 : 1; }
static void OpenCommand(void) {
  MakeInput();
  command = popen("cat; exit 4", "r");
  Note("popen %d", command != NULL);
}
static int CloseCommand(void) { return pclose(command) == 4 << 8 ? 0 : 1; }
static void EndInput(void) { Note(" close %d", close(input[1])); }
static void InputState(void) {
  int status = 0;
  const pid_t left = waitpid(-1, &status, WNOHANG);
  Note(" left %d", left > 0);
}

// Sleeps.
static pthread_t victim;
enum { kSleep, kUsleep, kNanosleep, kClockNanosleep, kClockNanosleepTo, kThrdSleep };
static int Sleep(void) {
  const struct timespec far = {1000, 0};
  const struct timespec until = Far(CLOCK_MONOTONIC);
  struct timespec left = {-1, -1};
  int result;
  switch (call->how) {
    case kSleep:
      return sleep(1000) > 900 ? 1 : 0;
    case kUsleep:
      return usleep(1000000000);
    case kNanosleep:
      result = nanosleep(&far, &left);
      break;
    case kClockNanosleep:
      result = clock_nanosleep(CLOCK_REALTIME, 0, &far, &left);
      break;
    case kClockNanosleepTo:
      result = clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, &left);
      break;
    default:
      result = thrd_sleep(&far, &left);
  }
  Note(" left %d", left.tv_sec > 900);
  return result;
}
static void Wake(void) { Note(" kill %d", pthread_kill(victim, SIGUSR2)); }
static void Nothing(void) {}

// What comes through a descriptor: [0] is read from, [1] written to.
static int ends[2];
enum { kPipe, kFullPipe, kSockets, kFullSockets, kEventfd };
enum {
  kPlainRead,
  kReadv,
  kRecv,
  kRecvfrom,
  kRecvmsg,
  kEventfdRead,
  kPoll,
  kPpoll,
  kSelect,
  kEpoll,
  kWritten,
  kWritev,
  kSent,
  kSendmsg
};
static char one[8] = {1};
static void Fill(void) {
  char bytes[4096] = {0};
  fcntl(ends[1], F_SETFL, O_NONBLOCK);
  while (write(ends[1], bytes, sizeof(bytes)) > 0) {
  }
  fcntl(ends[1], F_SETFL, 0);
}
static void MakeEnds(void) {
  if (call->kind == kEventfd) {
    ends[0] = ends[1] = eventfd(0, 0);
  } else if (call->kind == kPipe || call->kind == kFullPipe) {
    Note("pipe %d", pipe(ends));
  } else {
    Note("pair %d", socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
  }
  if (call->kind == kFullPipe || call->kind == kFullSockets) {
    Fill();
  }
}
static int Transfer(void) {
  char bytes[8] = {0};
  struct iovec part = {bytes, sizeof(bytes)};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
  struct pollfd ready = {ends[0], POLLIN, 0};
  struct epoll_event event = {.events = EPOLLIN};
  eventfd_t value = 0;
  fd_set set;
  long result;
  switch (call->how) {
    case kPlainRead:
      result = read(ends[0], bytes, 8);
      break;
    case kReadv:
      result = readv(ends[0], &part, 1);
      break;
    case kRecv:
      result = recv(ends[0], bytes, 8, 0);
      break;
    case kRecvfrom:
      result = recvfrom(ends[0], bytes, 8, 0, NULL, NULL);
      break;
    case kRecvmsg:
      result = recvmsg(ends[0], &message, 0);
      break;
    case kEventfdRead:
      result = eventfd_read(ends[0], &value) == 0 ? 8 : -1;
      break;
    case kPoll:
      result = poll(&ready, 1, -1);
      break;
    case kPpoll:
      result = ppoll(&ready, 1, NULL, NULL);
      break;
    case kSelect:
      FD_ZERO(&set);
      FD_SET(ends[0], &set);
      result = select(ends[0] + 1, &set, NULL, NULL, NULL);
      break;
    case kEpoll:
      result = epoll_create1(EPOLL_CLOEXEC);
      epoll_ctl((int)result, EPOLL_CTL_ADD, ends[0], &event);
      result = epoll_wait((int)result, &event, 1, -1);
      break;
    case kWritten:
      result = write(ends[1], bytes, 8);
      break;
    case kWritev:
      result = writev(ends[1], &part, 1);
      break;
    case kSent:
      result = send(ends[1], bytes, 8, 0);
      break;
    default:
      result = sendmsg(ends[1], &message, 0);
  }
  Note(" transfer %ld", result);
  return result < 0 ? -1 : 0;
}
static void LetThrough(void) {
  if (call->how < kWritten) {
    Note(" write %zd", write(ends[1], one, 8));
    return;
  }
  char bytes[4096];
  fcntl(ends[0], F_SETFL, O_NONBLOCK);
  while (read(ends[0], bytes, sizeof(bytes)) > 0) {
  }
}
static void CloseEnds(void) {
  Note(" close %d %d", close(ends[1]), call->kind == kEventfd ? 0 : close(ends[0]));
}

static int queue;
static void MakeQueue(void) { queue = msgget(IPC_PRIVATE, 0600); }
static int ReceiveMessage(void) {
  long message[2];
  return msgrcv(queue, message, 8, 0, 0) == 8 ? 0 : -1;
}
static void SendMessage(void) {
  const long message[2] = {1, 1};
  Note(" send %d", msgsnd(queue, message, 8, 0));
}
static void QueueState(void) { Note(" remove %d", msgctl(queue, IPC_RMID, NULL)); }

// Waits for a signal that has no handler, and for any.
static void BlockSignal(void) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGRTMIN);
  pthread_sigmask(SIG_BLOCK, &signals, NULL);
}
static int WaitSignal(void) {
  sigset_t signals;
  int got = 0;
  sigemptyset(&signals);
  sigaddset(&signals, SIGRTMIN);
  const int result = call->how == kPlain                       ? sigwait(&signals, &got)
                     : (got = sigwaitinfo(&signals, NULL)) > 0 ? 0
                                                               : -1;
  Note(" got %d", got == SIGRTMIN);
  return result;
}
static void SendSignal(void) { Note(" kill %d", kill(getpid(), SIGRTMIN)); }
static int Suspend(void) {
  sigset_t none;
  sigemptyset(&none);
  return call->how == kPlain ? pause() : sigsuspend(&none);
}

#define FUTEX SYS_futex
#define MUTEX(name, kind, how) \
  { name, FUTEX, 0, kind, how, TakeMutex, LockMutex, UnlockMutex, NULL, UnlockMutex, MutexState }
#define RWLOCK(name, kind, how) \
  { name, FUTEX, 0, kind, how, TakeRwlock, LockRwlock, UnlockRwlock, NULL, UnlockRwlock, RwlockState }
#define SEMAPHORE(name, kind, how) \
  { name, FUTEX, kPoint, kind, how, EmptySemaphore, WaitSemaphore, NothingToUndo, NULL, Post, SemaphoreState }
#define CONDITION(name, kind, how)                                                                           \
  {                                                                                                          \
    name, FUTEX, kPoint, kind, how, MakeCondition, WaitCondition, UnlockMutex, UnlockMutex, SignalCondition, \
        ConditionState                                                                                       \
  }
#define ONCE(name, flags, kind, how) \
  { name, FUTEX, flags, kind, how, BeginOnce, RunOnce, NothingToUndo, NULL, EndRoutine, OnceState }
#define FILE_LOCK(name, number, flags, kind) \
  { name, number, flags, kind, 0, TakeFile, WaitFile, UndoFile, NULL, ReleaseFile, FileState }
#define JOIN(name, how) \
  { name, FUTEX, kPoint, 0, how, MakeTarget, JoinTarget, NothingToUndo, NULL, EndRoutine, TargetState }
#define WAIT(name, number, how) \
  { name, number, kPoint, 0, how, MakeChild, WaitChild, NothingToUndo, NULL, EndChild, ChildState }
#define SLEEP(name, how)                                                                                 \
  {                                                                                                      \
    name, SYS_clock_nanosleep, kPoint | kNeedsVictim, 0, how, Nothing, Sleep, NothingToUndo, NULL, Wake, \
        Nothing                                                                                          \
  }
#define TRANSFER(name, number, kind, how) \
  { name, number, kPoint, kind, how, MakeEnds, Transfer, NothingToUndo, NULL, LetThrough, CloseEnds }
static const struct Call kCalls[] = {
    MUTEX("mutex", kNormal, kPlain),
    MUTEX("mutex timed", kNormal, kTimed),
    MUTEX("mutex clock", kNormal, kClock),
    MUTEX("recursive mutex", kRecursive, kPlain),
    MUTEX("recursive mutex timed", kRecursive, kTimed),
    MUTEX("errorcheck mutex", kErrorcheck, kPlain),
    MUTEX("adaptive mutex", kAdaptive, kPlain),
    MUTEX("robust mutex", kRobust, kPlain),
    MUTEX("robust mutex timed", kRobust, kTimed),
    MUTEX("inheriting mutex", kInherit, kPlain),
    MUTEX("inheriting mutex timed", kInherit, kTimed),
    MUTEX("shared mutex", kShared, kPlain),
    RWLOCK("read", PTHREAD_RWLOCK_PREFER_READER_NP, kRead + kPlain),
    RWLOCK("read timed", PTHREAD_RWLOCK_PREFER_READER_NP, kRead + kTimed),
    RWLOCK("read clock", PTHREAD_RWLOCK_PREFER_READER_NP, kRead + kClock),
    RWLOCK("write", PTHREAD_RWLOCK_PREFER_READER_NP, kWrite + kPlain),
    RWLOCK("write timed", PTHREAD_RWLOCK_PREFER_READER_NP, kWrite + kTimed),
    RWLOCK("write clock", PTHREAD_RWLOCK_PREFER_READER_NP, kWrite + kClock),
    RWLOCK("read of writers first", PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP, kRead + kPlain),
    RWLOCK("write of writers first", PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP, kWrite + kPlain),
    {"spinlock", -1, 0, 0, 0, TakeSpinlock, LockSpinlock, UnlockSpinlock, NULL, UnlockSpinlock,
     SpinlockState},
    SEMAPHORE("semaphore", kPrivate, kPlain),
    SEMAPHORE("semaphore timed", kPrivate, kTimed),
    SEMAPHORE("semaphore clock", kPrivate, kClock),
    SEMAPHORE("shared semaphore", kOfProcesses, kPlain),
    SEMAPHORE("named semaphore", kNamed, kPlain),
    SEMAPHORE("named semaphore timed", kNamed, kTimed),
    CONDITION("condition", kNormal, kPlain),
    CONDITION("condition timed", kNormal, kTimed),
    CONDITION("condition clock", kNormal, kClock),
    CONDITION("condition with a recursive mutex", kRecursive, kPlain),
    CONDITION("condition with an errorcheck mutex", kErrorcheck, kTimed),
    {"barrier", FUTEX, kNotAsynchronous, 0, 0, MakeBarrier, WaitBarrier, NothingToUndo, NULL, PassBarrier,
     BarrierState},
    ONCE("once", 0, kPosix, kWaiter),
    ONCE("once, in the routine", kPoint, kPosix, kRunner),
    ONCE("call_once", 0, kC11, kWaiter),
    ONCE("call_once, in the routine", kPoint, kC11, kRunner),
    {"mtx", FUTEX, 0, mtx_plain, kPlain, TakeMtx, LockMtx, UnlockMtx, NULL, UnlockMtx, MtxState},
    {"mtx timed", FUTEX, 0, mtx_timed, kTimed, TakeMtx, LockMtx, UnlockMtx, NULL, UnlockMtx, MtxState},
    {"mtx recursive", FUTEX, 0, mtx_recursive, kPlain, TakeMtx, LockMtx, UnlockMtx, NULL, UnlockMtx,
     MtxState},
    {"cnd", FUTEX, kPoint, 0, kPlain, MakeCnd, WaitCnd, UnlockMtx, UnlockMtx, SignalCnd, CndState},
    {"cnd timed", FUTEX, kPoint, 0, kTimed, MakeCnd, WaitCnd, UnlockMtx, UnlockMtx, SignalCnd, CndState},
    {"flockfile", FUTEX, 0, 0, 0, TakeStream, LockStream, UnlockStream, NULL, UnlockStream, StreamState},
    {"putc", FUTEX, 0, 0, 0, TakeStream, PutToStream, NothingToUndo, NULL, UnlockStream, StreamState},
    FILE_LOCK("flock", SYS_flock, 0, kFlock),
    FILE_LOCK("flock to read", SYS_flock, 0, kFlockShared),
    FILE_LOCK("fcntl", SYS_fcntl, kPoint, kRecord),
    FILE_LOCK("fcntl64", SYS_fcntl, kPoint, kRecord64),
    FILE_LOCK("fcntl of an open file", SYS_fcntl, kPoint, kOpenFile),
    FILE_LOCK("lockf", SYS_fcntl, kPoint, kLockf),
    FILE_LOCK("lockf64", SYS_fcntl, kPoint, kLockf64),
    {"semop", SYS_semtimedop, 0, 0, kPlain, MakeSet, TakeOne, GiveOne, NULL, GiveOne, SetState},
    {"semtimedop", SYS_semtimedop, 0, 0, kTimed, MakeSet, TakeOne, GiveOne, NULL, GiveOne, SetState},
    JOIN("join", kJoin),
    JOIN("join timed", kTimedJoin),
    JOIN("join clock", kClockJoin),
    JOIN("thrd_join", kCJoin),
    WAIT("wait", SYS_wait4, kWait),
    WAIT("waitpid", SYS_wait4, kWaitpid),
    WAIT("wait3", SYS_wait4, kWait3),
    WAIT("wait4", SYS_wait4, kWait4),
    WAIT("waitid", SYS_waitid, kWaitid),
    WAIT("waitid of any", SYS_waitid, kWaitidAny),
    {"system", SYS_wait4, kPoint, 0, 0, MakeInput, RunCommand, NothingToUndo, NULL, EndInput, InputState},
    {"pclose", SYS_wait4, kNotAsynchronous, 0, 0, OpenCommand, CloseCommand, NothingToUndo, NULL, EndInput,
     InputState},
    SLEEP("sleep", kSleep),
    SLEEP("usleep", kUsleep),
    SLEEP("nanosleep", kNanosleep),
    SLEEP("clock_nanosleep", kClockNanosleep),
    SLEEP("clock_nanosleep to a time", kClockNanosleepTo),
    SLEEP("thrd_sleep", kThrdSleep),
    TRANSFER("read of a pipe", SYS_read, kPipe, kPlainRead),
    TRANSFER("read of a socket", SYS_read, kSockets, kPlainRead),
    TRANSFER("read of an eventfd", SYS_read, kEventfd, kPlainRead),
    TRANSFER("readv", SYS_readv, kPipe, kReadv),
    TRANSFER("recv", SYS_recvfrom, kSockets, kRecv),
    TRANSFER("recvfrom", SYS_recvfrom, kSockets, kRecvfrom),
    TRANSFER("recvmsg", SYS_recvmsg, kSockets, kRecvmsg),
    TRANSFER("eventfd_read", SYS_read, kEventfd, kEventfdRead),
    TRANSFER("poll", SYS_poll, kPipe, kPoll),
    TRANSFER("ppoll", SYS_ppoll, kPipe, kPpoll),
    TRANSFER("select", SYS_pselect6, kPipe, kSelect),
    TRANSFER("epoll_wait", SYS_epoll_wait, kPipe, kEpoll),
    TRANSFER("write to a full pipe", SYS_write, kFullPipe, kWritten),
    TRANSFER("writev to a full pipe", SYS_writev, kFullPipe, kWritev),
    TRANSFER("send to a full socket", SYS_sendto, kFullSockets, kSent),
    TRANSFER("sendmsg to a full socket", SYS_sendmsg, kFullSockets, kSendmsg),
    {"msgrcv", SYS_msgrcv, kPoint, 0, 0, MakeQueue, ReceiveMessage, NothingToUndo, NULL, SendMessage,
     QueueState},
    {"sigwait", SYS_rt_sigtimedwait, kPoint, 0, kPlain, BlockSignal, WaitSignal, NothingToUndo, NULL,
     SendSignal, Nothing},
    {"sigwaitinfo", SYS_rt_sigtimedwait, kPoint, 0, kTimed, BlockSignal, WaitSignal, NothingToUndo, NULL,
     SendSignal, Nothing},
    {"pause", SYS_pause, kPoint | kNeedsVictim, 0, kPlain, Nothing, Suspend, NothingToUndo, NULL, Wake,
     Nothing},
    {"sigsuspend", SYS_rt_sigsuspend, kPoint | kNeedsVictim, 0, kTimed, Nothing, Suspend, NothingToUndo, NULL,
     Wake, Nothing},
};

// What happens to the thread.
enum Action { kRelease, kCancel, kCancelDisabled, kCancelAsynchronous, kInterrupt, kInterruptRestart };
static enum Action action;
static volatile pid_t victim_tid;
static volatile int about_to_call, in_call, returned, handled;

static void OnCancel(void* unused) {
  (void)unused;
  Note(" clean-up%s", in_call ? " of the call" : "");
  if (in_call && call->unwind != NULL) {
    call->unwind();
  }
}

static void* Victim(void* unused) {
  my_text = told[1];
  int before = -1;
  pthread_cleanup_push(OnCancel, NULL);
  if (action == kCancelDisabled) {
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
  }
  victim_tid = (pid_t)syscall(SYS_gettid);
  in_call = 1;
  about_to_call = 1;
  if (action == kCancelAsynchronous) {
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
  }
  errno = 77;
  const int result = call->block();
  const int error = errno;
  pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &before);
  in_call = 0;
  Note(" returned %d errno %d", result, error);
  if (result == 0) {
    call->undo();
  }
  if (action == kCancelDisabled) {
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
  }
  returned = 1;
  pthread_testcancel();
  Note(" not cancelled");
  pthread_cleanup_pop(0);
  return unused;
}

// Until the thread sleeps in the call's own system call, or is back from it.
static void AwaitBlocked(void) {
  while (!about_to_call) {
    sched_yield();
  }
  while (call->number >= 0 && !returned) {
    const long number = SleepsIn(getpid(), victim_tid);
    if (number == call->number || number == SYS_restart_syscall) {
      return;
    }
    sched_yield();
  }
}

static void OnSignal(int signal) {
  const int saved = errno;
  if (signal == SIGUSR1) {
    Note(" handler");
    handled = 1;
  }
  errno = saved;
}

static void Row(void) {
  alarm(20);
  struct sigaction handler;
  memset(&handler, 0, sizeof(handler));
  handler.sa_handler = OnSignal;
  sigaction(SIGUSR2, &handler, NULL);
  handler.sa_flags = action == kInterruptRestart ? SA_RESTART : 0;
  sigaction(SIGUSR1, &handler, NULL);
  call->prepare();
  pthread_create(&victim, NULL, Victim, NULL);
  AwaitBlocked();
  int gone = 0;
  void* value = NULL;
  switch (action) {
    case kRelease:
      break;
    case kCancel:
    case kCancelDisabled:
    case kCancelAsynchronous:
      pthread_cancel(victim);
      gone = action == kCancelAsynchronous || (action == kCancel && (call->flags & kPoint) != 0);
      break;
    case kInterrupt:
    case kInterruptRestart:
      pthread_kill(victim, SIGUSR1);
      while (!handled) {
        sched_yield();
      }
      AwaitBlocked();
      gone = returned;
      break;
  }
  if (gone) {
    Note(" join %d", pthread_join(victim, &value));
  }
  if (!gone || (call->flags & kNeedsVictim) == 0) {
    call->release();
  }
  if (!gone) {
    Note(" join %d", pthread_join(victim, &value));
  }
  Note(" %s", value == PTHREAD_CANCELED ? "cancelled" : "ended");
  call->state();
  Say("%s |%s\n", told[0], told[1]);
}

// The action, then the names of the calls to leave out.
int main(int argc, char** argv) {
  static const char* const kActions[] = {"release",      "cancel",    "disabled",
                                         "asynchronous", "interrupt", "restart"};
  int known = 0;
  for (size_t i = 0; argc > 1 && i < sizeof(kActions) / sizeof(*kActions); ++i) {
    if (strcmp(kActions[i], argv[1]) == 0) {
      action = (enum Action)i;
      known = 1;
    }
  }
  if (!known) {
    Say("no such action\n");
    return 98;
  }
  for (size_t i = 0; i < sizeof(kCalls) / sizeof(*kCalls); ++i) {
    call = &kCalls[i];
    if ((action == kCancelAsynchronous && (call->flags & kNotAsynchronous) != 0) ||
        (argc > 2 && strcmp(argv[2], call->name) != 0)) {
      continue;
    }
    Say("%s: ", call->name);
    const pid_t row = fork();
    if (row == 0) {
      Row();
      _exit(0);
    }
    Reap(" the process", row);
  }
  return 0;
}
