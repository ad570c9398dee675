// Every call on an object with something in it that nobody put there, in places where nothing should be. What
// the call returns, or how it ends the process, is printed; each call in a process of its own.
#include <poll.h>
#include <semaphore.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <threads.h>
#include <time.h>

#include "probe.h"

static const struct timespec kPast = {1, 0};
static pthread_mutex_t good_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t good_condition = PTHREAD_COND_INITIALIZER;
static mtx_t good_mtx;
static void Routine(void) {}

#define CALL(name, expression) \
  static int name(void* object) { return (expression); }
CALL(MutexLock, pthread_mutex_lock(object))
CALL(MutexTry, pthread_mutex_trylock(object))
CALL(MutexTimed, pthread_mutex_timedlock(object, &kPast))
CALL(MutexClock, pthread_mutex_clocklock(object, CLOCK_MONOTONIC, &kPast))
CALL(MutexNoClock, pthread_mutex_clocklock(object, 77, &kPast))
CALL(MutexNoTime, pthread_mutex_timedlock(object, NULL))
CALL(MutexUnlock, pthread_mutex_unlock(object))
CALL(MutexDestroy, pthread_mutex_destroy(object))
CALL(MutexInit, pthread_mutex_init(object, NULL))
CALL(MutexConsistent, pthread_mutex_consistent(object))
CALL(RwlockRead, pthread_rwlock_rdlock(object))
CALL(RwlockTryRead, pthread_rwlock_tryrdlock(object))
CALL(RwlockTimedRead, pthread_rwlock_timedrdlock(object, &kPast))
CALL(RwlockClockRead, pthread_rwlock_clockrdlock(object, CLOCK_MONOTONIC, &kPast))
CALL(RwlockNoClockRead, pthread_rwlock_clockrdlock(object, 77, &kPast))
CALL(RwlockWrite, pthread_rwlock_wrlock(object))
CALL(RwlockTryWrite, pthread_rwlock_trywrlock(object))
CALL(RwlockTimedWrite, pthread_rwlock_timedwrlock(object, &kPast))
CALL(RwlockClockWrite, pthread_rwlock_clockwrlock(object, CLOCK_MONOTONIC, &kPast))
CALL(RwlockNoClockWrite, pthread_rwlock_clockwrlock(object, 77, &kPast))
CALL(RwlockUnlock, pthread_rwlock_unlock(object))
CALL(RwlockDestroy, pthread_rwlock_destroy(object))
CALL(RwlockInit, pthread_rwlock_init(object, NULL))
CALL(SemWait, sem_wait(object))
CALL(SemTry, sem_trywait(object))
CALL(SemTimed, sem_timedwait(object, &kPast))
CALL(SemClock, sem_clockwait(object, CLOCK_MONOTONIC, &kPast))
CALL(SemNoClock, sem_clockwait(object, 77, &kPast))
CALL(SemNoTime, sem_timedwait(object, NULL))
CALL(SemPost, sem_post(object))
CALL(SemDestroy, sem_destroy(object))
CALL(SemInit, sem_init(object, 0, 1))
CALL(SemInitTooMuch, sem_init(object, 0, ~0u))
CALL(SemClose, sem_close(object))
CALL(SpinLock, pthread_spin_lock(object))
CALL(SpinTry, pthread_spin_trylock(object))
CALL(SpinUnlock, pthread_spin_unlock(object))
CALL(SpinDestroy, pthread_spin_destroy(object))
CALL(SpinInit, pthread_spin_init(object, 0))
CALL(CondWait, pthread_cond_wait(object, &good_mutex))
CALL(CondTimed, pthread_cond_timedwait(object, &good_mutex, &kPast))
CALL(CondClock, pthread_cond_clockwait(object, &good_mutex, CLOCK_MONOTONIC, &kPast))
CALL(CondNoClock, pthread_cond_clockwait(object, &good_mutex, 77, &kPast))
CALL(CondMutex, pthread_cond_timedwait(&good_condition, object, &kPast))
CALL(CondSignal, pthread_cond_signal(object))
CALL(CondBroadcast, pthread_cond_broadcast(object))
CALL(CondDestroy, pthread_cond_destroy(object))
CALL(CondInit, pthread_cond_init(object, NULL))
CALL(BarrierWait, pthread_barrier_wait(object))
CALL(BarrierDestroy, pthread_barrier_destroy(object))
CALL(BarrierInit, pthread_barrier_init(object, NULL, 1))
CALL(BarrierInitNone, pthread_barrier_init(object, NULL, 0))
CALL(Once, pthread_once(object, Routine))
CALL(CallOnce, (call_once(object, Routine), 0))
CALL(MtxLock, mtx_lock(object))
CALL(MtxTry, mtx_trylock(object))
CALL(MtxTimed, mtx_timedlock(object, &kPast))
CALL(MtxUnlock, mtx_unlock(object))
CALL(MtxDestroy, (mtx_destroy(object), 0))
CALL(MtxInit, mtx_init(object, mtx_plain))
CALL(CndWait, cnd_wait(object, &good_mtx))
CALL(CndTimed, cnd_timedwait(object, &good_mtx, &kPast))
CALL(CndMtx, cnd_timedwait((cnd_t*)&good_condition, object, &kPast))
CALL(CndSignal, cnd_signal(object))
CALL(CndBroadcast, cnd_broadcast(object))
CALL(CndDestroy, (cnd_destroy(object), 0))
CALL(CndInit, cnd_init(object))

// Good objects of several kinds.
static int MakeErrorcheck(void* object) {
  *(pthread_mutex_t*)object = (pthread_mutex_t)PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP;
  return 0;
}
static int MakeEmptySem(void* object) { return sem_init(object, 0, 0); }
static int Nothing(void* object) { return object == NULL; }

struct Named {
  const char* name;
  int (*call)(void* object);
};
struct Family {
  const char* name;
  size_t bytes;
  int (*make)(void*);
  int (*make_other)(void*);
  int (*hold)(void*);
  int (*destroy)(void*);
  struct Named calls[14];
};
static const struct Family kFamilies[] = {
    {"mutex",
     sizeof(pthread_mutex_t),
     MutexInit,
     MakeErrorcheck,
     MutexLock,
     MutexDestroy,
     {{"lock", MutexLock},
      {"trylock", MutexTry},
      {"timedlock", MutexTimed},
      {"clocklock", MutexClock},
      {"clocklock of no clock", MutexNoClock},
      {"timedlock without a time", MutexNoTime},
      {"unlock", MutexUnlock},
      {"destroy", MutexDestroy},
      {"init", MutexInit},
      {"consistent", MutexConsistent},
      {"mutex of a wait", CondMutex}}},
    {"rwlock",
     sizeof(pthread_rwlock_t),
     RwlockInit,
     RwlockInit,
     RwlockRead,
     RwlockDestroy,
     {{"rdlock", RwlockRead},
      {"tryrdlock", RwlockTryRead},
      {"timedrdlock", RwlockTimedRead},
      {"clockrdlock", RwlockClockRead},
      {"clockrdlock of no clock", RwlockNoClockRead},
      {"wrlock", RwlockWrite},
      {"trywrlock", RwlockTryWrite},
      {"timedwrlock", RwlockTimedWrite},
      {"clockwrlock", RwlockClockWrite},
      {"clockwrlock of no clock", RwlockNoClockWrite},
      {"unlock", RwlockUnlock},
      {"destroy", RwlockDestroy},
      {"init", RwlockInit}}},
    {"rwlock written",
     sizeof(pthread_rwlock_t),
     RwlockInit,
     RwlockInit,
     RwlockWrite,
     RwlockDestroy,
     {{"rdlock", RwlockRead},
      {"tryrdlock", RwlockTryRead},
      {"wrlock", RwlockWrite},
      {"trywrlock", RwlockTryWrite},
      {"timedwrlock", RwlockTimedWrite},
      {"unlock", RwlockUnlock}}},
    {"semaphore",
     sizeof(sem_t),
     SemInit,
     MakeEmptySem,
     SemWait,
     SemDestroy,
     {{"wait", SemWait},
      {"trywait", SemTry},
      {"timedwait", SemTimed},
      {"clockwait", SemClock},
      {"clockwait of no clock", SemNoClock},
      {"timedwait without a time", SemNoTime},
      {"post", SemPost},
      {"destroy", SemDestroy},
      {"init", SemInit},
      {"init too high", SemInitTooMuch},
      {"close", SemClose}}},
    {"spinlock",
     sizeof(pthread_spinlock_t),
     SpinInit,
     SpinInit,
     SpinLock,
     SpinDestroy,
     {{"lock", SpinLock},
      {"trylock", SpinTry},
      {"unlock", SpinUnlock},
      {"destroy", SpinDestroy},
      {"init", SpinInit}}},
    {"condition",
     sizeof(pthread_cond_t),
     CondInit,
     CondInit,
     Nothing,
     CondDestroy,
     {{"wait", CondWait},
      {"timedwait", CondTimed},
      {"clockwait", CondClock},
      {"clockwait of no clock", CondNoClock},
      {"signal", CondSignal},
      {"broadcast", CondBroadcast},
      {"destroy", CondDestroy},
      {"init", CondInit}}},
    {"barrier",
     sizeof(pthread_barrier_t),
     BarrierInit,
     BarrierInit,
     BarrierWait,
     BarrierDestroy,
     {{"wait", BarrierWait},
      {"destroy", BarrierDestroy},
      {"init", BarrierInit},
      {"init for nobody", BarrierInitNone}}},
    {"once", sizeof(pthread_once_t), Once, Once, Once, Nothing, {{"once", Once}, {"call_once", CallOnce}}},
    {"mtx",
     sizeof(mtx_t),
     MtxInit,
     MtxInit,
     MtxLock,
     MtxDestroy,
     {{"lock", MtxLock},
      {"trylock", MtxTry},
      {"timedlock", MtxTimed},
      {"unlock", MtxUnlock},
      {"destroy", MtxDestroy},
      {"init", MtxInit},
      {"mtx of a wait", CndMtx}}},
    {"cnd",
     sizeof(cnd_t),
     CndInit,
     CndInit,
     Nothing,
     CndDestroy,
     {{"wait", CndWait},
      {"timedwait", CndTimed},
      {"signal", CndSignal},
      {"broadcast", CndBroadcast},
      {"destroy", CndDestroy},
      {"init", CndInit}}},
};

// What lies there.
static const char* const kContents[] = {"zeros",    "good",      "another good",
                                        "held",     "destroyed", "ones",
                                        "random 1", "random 2",  "copy of a held one"};
enum { kZeros, kGood, kOtherGood, kHeld, kDestroyed, kOnes, kRandom, kCopy = 8, kContentCount };
static void Fill(const struct Family* family, void* object, int content) {
  memset(object, 0, family->bytes);
  switch (content) {
    case kZeros:
      break;
    case kOnes:
      memset(object, 0xFF, family->bytes);
      break;
    case kGood:
      family->make(object);
      break;
    case kOtherGood:
      family->make_other(object);
      break;
    case kHeld:
      family->make(object);
      family->hold(object);
      break;
    case kDestroyed:
      family->make(object);
      family->destroy(object);
      break;
    case kCopy: {
      // What the recorder wrote in it is wrong here.
      static long elsewhere[16];
      family->make(elsewhere);
      family->hold(elsewhere);
      memcpy(object, elsewhere, family->bytes);
      break;
    }
    default: {
      // Small numbers in most words: they are nearer to what a lock may look like.
      uint64_t state = (uint64_t)content * 0x9E3779B97F4A7C15u;
      for (size_t i = 0; i < family->bytes / sizeof(int); ++i) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        ((int*)object)[i] = (int)(state >> 33) >> (i % 3 == 0 ? 0 : 28);
      }
    }
  }
}

// Where it lies: in a page whose next one is not there.
static const char* const kPlaces[] = {"somewhere", "off by one", "at the end", "read-only"};
enum { kSomewhere, kOffByOne, kAtTheEnd, kReadOnly, kPlaceCount };
static const char* const kNowhere[] = {"null", "no memory", "address 1", "no address"};
enum { kNowhereCount = sizeof(kNowhere) / sizeof(*kNowhere) };
static char* page;

static void* ObjectAt(const struct Family* family, int place) {
  switch (place) {
    case kOffByOne:
      return page + 65;
    case kAtTheEnd:
      return page + 4096 - family->bytes;
    default:
      return page + 64;
  }
}

static int Sleeps(pid_t child) {
  const long number = SleepsIn(child, child);
  return number == SYS_futex || number == SYS_pause || number == SYS_ppoll || number == SYS_clock_nanosleep;
}
static void Case(const struct Family* family, const struct Named* named, int content, int place,
                 int nowhere) {
  Say("%s %s, %s, %s: ", family->name, named->name, content < 0 ? "" : kContents[content],
      content < 0 ? kNowhere[nowhere] : kPlaces[place]);
  const pid_t child = fork();
  if (child == 0) {
    void* const nowheres[] = {NULL, page + 4096, (void*)1, (void*)0x4141414141414141};
    void* object = content < 0 ? nowheres[nowhere] : ObjectAt(family, place);
    if (content >= 0) {
      Fill(family, object, content);
    }
    if (place == kReadOnly) {
      mprotect(page, 4096, PROT_READ);
    }
    pthread_mutex_lock(&good_mutex);
    mtx_lock(&good_mtx);
    // In processor time: how busy the machine is does not matter.
    const struct itimerval limit = {{0, 0}, {0, 20000}};
    setitimer(ITIMER_PROF, &limit, NULL);
    errno = 77;
    const int result = named->call(object);
    const int error = errno;
    Say("%d", result);
    if (error != 77) {
      Say(" errno %d", error);
    }
    _exit(0);
  }
  int status = 0;
  struct pollfd end = {(int)syscall(SYS_pidfd_open, child, 0), POLLIN, 0};
  while (poll(&end, 1, 1) == 0) {
    if (Sleeps(child)) {
      kill(child, SIGKILL);
      waitpid(child, &status, 0);
      close(end.fd);
      Say("sleeps\n");
      return;
    }
  }
  close(end.fd);
  waitpid(child, &status, 0);
  const int signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  if (signal == SIGPROF) {
    Say("spins\n");
  } else if (signal == SIGSEGV ||
             signal == SIGBUS) {  // one or the other by the register that the address is in
    Say("crashes\n");
  } else {
    SayStatus("", status);
  }
}

int main(int argc, char** argv) {
  page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  mprotect(page + 4096, 4096, PROT_NONE);
  mtx_init(&good_mtx, mtx_plain);
  for (size_t i = 0; i < sizeof(kFamilies) / sizeof(*kFamilies); ++i) {
    const struct Family* family = &kFamilies[i];
    if (argc > 1 && strcmp(argv[1], family->name) != 0) {
      continue;
    }
    for (const struct Named* named = family->calls; named->name != NULL; ++named) {
      for (int content = 0; content < kContentCount; ++content) {
        const int places = content < kOnes ? kPlaceCount : kAtTheEnd;
        for (int place = kSomewhere; place < places; ++place) {
          Case(family, named, content, place, 0);
        }
      }
      for (int nowhere = 0; nowhere < kNowhereCount; ++nowhere) {
        Case(family, named, -1, 0, nowhere);
      }
    }
  }
  return 0;
}
