// Mutexes, read-write locks, spinlocks and semaphores of POSIX.
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <time.h>
#include <unistd.h>

#include <new>

#include "tests/matrix/lock.h"

namespace gordian::matrix {
namespace {

// Far beyond what any cell takes: the timed waits of the matrix are granted at once.
timespec Deadline() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  now.tv_sec += 60;
  return now;
}

struct MutexTraits {
  int type = PTHREAD_MUTEX_NORMAL;
  int robust = PTHREAD_MUTEX_STALLED;
  int shared = PTHREAD_PROCESS_PRIVATE;
  int protocol = PTHREAD_PRIO_NONE;
};

template <MutexTraits traits>
class Mutex : public Lock {
 public:
  Mutex() { Mutex::Init(); }
  int Take() override { return pthread_mutex_lock(&mutex_); }
  int Give() override { return pthread_mutex_unlock(&mutex_); }
  int Try() override { return pthread_mutex_trylock(&mutex_); }
  int TakeTimed() override {
    const timespec deadline = Deadline();
    return pthread_mutex_timedlock(&mutex_, &deadline);
  }
  int Init() override {
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_settype(&attributes, traits.type);
    pthread_mutexattr_setrobust(&attributes, traits.robust);
    pthread_mutexattr_setpshared(&attributes, traits.shared);
    pthread_mutexattr_setprotocol(&attributes, traits.protocol);
    const int result = pthread_mutex_init(&mutex_, &attributes);
    pthread_mutexattr_destroy(&attributes);
    return result;
  }
  int Destroy() override { return pthread_mutex_destroy(&mutex_); }
  Stranger ByStranger() const override {
    const bool refuses = traits.type == PTHREAD_MUTEX_RECURSIVE || traits.type == PTHREAD_MUTEX_ERRORCHECK ||
                         traits.robust == PTHREAD_MUTEX_ROBUST || traits.protocol == PTHREAD_PRIO_INHERIT;
    return refuses ? Stranger::kIsRefused : Stranger::kGives;
  }

 private:
  pthread_mutex_t mutex_;
};

struct RwlockTraits {
  int preference = PTHREAD_RWLOCK_DEFAULT_NP;
  int shared = PTHREAD_PROCESS_PRIVATE;
  bool read_only = false;  // every Take is for reading
};

template <RwlockTraits traits>
class Rwlock : public Lock {
 public:
  Rwlock() { Rwlock::Init(); }
  int Take() override {
    return traits.read_only ? pthread_rwlock_rdlock(&rwlock_) : pthread_rwlock_wrlock(&rwlock_);
  }
  int Give() override { return pthread_rwlock_unlock(&rwlock_); }
  int Try() override {
    return traits.read_only ? pthread_rwlock_tryrdlock(&rwlock_) : pthread_rwlock_trywrlock(&rwlock_);
  }
  int TakeTimed() override {
    const timespec deadline = Deadline();
    return traits.read_only ? pthread_rwlock_timedrdlock(&rwlock_, &deadline)
                            : pthread_rwlock_timedwrlock(&rwlock_, &deadline);
  }
  int TakeShared() override { return traits.read_only ? ENOTSUP : pthread_rwlock_rdlock(&rwlock_); }
  int Init() override {
    pthread_rwlockattr_t attributes;
    pthread_rwlockattr_init(&attributes);
    pthread_rwlockattr_setkind_np(&attributes, traits.preference);
    pthread_rwlockattr_setpshared(&attributes, traits.shared);
    const int result = pthread_rwlock_init(&rwlock_, &attributes);
    pthread_rwlockattr_destroy(&attributes);
    return result;
  }
  int Destroy() override { return pthread_rwlock_destroy(&rwlock_); }
  Stranger ByStranger() const override { return traits.read_only ? Stranger::kGives : Stranger::kBreaksIt; }

 private:
  pthread_rwlock_t rwlock_;
};

template <int shared>
class Spinlock : public Lock {
 public:
  Spinlock() { Spinlock::Init(); }
  int Take() override { return pthread_spin_lock(&spinlock_); }
  int Give() override { return pthread_spin_unlock(&spinlock_); }
  int Try() override { return pthread_spin_trylock(&spinlock_); }
  int Init() override { return pthread_spin_init(&spinlock_, shared); }
  int Destroy() override { return pthread_spin_destroy(&spinlock_); }

 private:
  pthread_spinlock_t spinlock_;
};

int ErrorOf(int result) { return result == 0 ? 0 : errno; }

class AnySemaphore : public Lock {
 public:
  int Take() override { return ErrorOf(sem_wait(semaphore_)); }
  int Give() override { return ErrorOf(sem_post(semaphore_)); }
  int Try() override { return ErrorOf(sem_trywait(semaphore_)); }
  int TakeTimed() override {
    const timespec deadline = Deadline();
    return ErrorOf(sem_timedwait(semaphore_, &deadline));
  }

 protected:
  sem_t* semaphore_ = nullptr;
};

template <int shared>
class Semaphore : public AnySemaphore {
 public:
  Semaphore() {
    semaphore_ = &memory_;
    Semaphore::Init();
  }
  int Init() override { return ErrorOf(sem_init(semaphore_, shared, 1)); }
  int Destroy() override { return ErrorOf(sem_destroy(semaphore_)); }

 private:
  sem_t memory_;
};

template <typename T>
Lock* Make(void* place) {
  return new (place) T();
}

}  // namespace

std::vector<Kind> PthreadKinds() {
  constexpr int kShared = PTHREAD_PROCESS_SHARED;
  return {
      {"normal", Make<Mutex<MutexTraits{}>>},
      {"recursive", Make<Mutex<MutexTraits{PTHREAD_MUTEX_RECURSIVE}>>},
      {"errorcheck", Make<Mutex<MutexTraits{PTHREAD_MUTEX_ERRORCHECK}>>},
      {"adaptive", Make<Mutex<MutexTraits{PTHREAD_MUTEX_ADAPTIVE_NP}>>},
      {"robust", Make<Mutex<MutexTraits{.robust = PTHREAD_MUTEX_ROBUST}>>},
      {"process-shared", Make<Mutex<MutexTraits{.shared = kShared}>>, true},
      {"priority-inherit", Make<Mutex<MutexTraits{.protocol = PTHREAD_PRIO_INHERIT}>>},
      {"rwlock", Make<Rwlock<RwlockTraits{}>>},
      {"rwlock-read", Make<Rwlock<RwlockTraits{.read_only = true}>>},
      {"rwlock-shared", Make<Rwlock<RwlockTraits{.shared = kShared}>>, true},
      {"writer-rwlock", Make<Rwlock<RwlockTraits{PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP}>>},
      {"spin", Make<Spinlock<PTHREAD_PROCESS_PRIVATE>>},
      {"semaphore", Make<Semaphore<0>>},
      {"semaphore-shared", Make<Semaphore<1>>, true},
  };
}

}  // namespace gordian::matrix
