// Locks that have a name instead of an address: on files, and semaphores that are opened.
#include <fcntl.h>
#include <semaphore.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <new>

#include "tests/matrix/lock.h"

namespace gordian::matrix {
namespace {

int ErrorOf(int result) { return result == 0 ? 0 : errno; }

// A file without a name, which every part opens for itself: the lock is that of an open description.
class Flock : public Lock {
 public:
  Flock() { snprintf(path_, sizeof(path_), "/proc/%d/fd/%d", getpid(), memfd_create("matrix", MFD_CLOEXEC)); }
  int Take() override { return Call(LOCK_EX); }
  int TakeShared() override { return Call(LOCK_SH); }
  int Try() override { return Call(LOCK_EX | LOCK_NB); }
  int Give() override { return Call(LOCK_UN); }
  Stranger ByStranger() const override { return Stranger::kIsRefused; }

 private:
  int Call(int operation) {
    int& descriptor = descriptors_[t_part];
    if (descriptor == 0) {
      descriptor = open(path_, O_RDWR | O_CLOEXEC);
    }
    return ErrorOf(flock(descriptor, operation));
  }

  char path_[64];
  int descriptors_[kMostParts] = {};
};

// Belongs to the process.
class Fcntl : public Lock {
 public:
  Fcntl() : descriptor_(memfd_create("matrix", MFD_CLOEXEC)) {}
  int Take() override { return Call(F_SETLKW, F_WRLCK); }
  int TakeShared() override { return Call(F_SETLKW, F_RDLCK); }
  int Try() override { return Call(F_SETLK, F_WRLCK); }
  int Give() override { return Call(F_SETLK, F_UNLCK); }
  Stranger ByStranger() const override { return Stranger::kIsRefused; }

 private:
  int Call(int command, short type) const {
    struct flock range {};
    range.l_type = type;
    range.l_whence = SEEK_SET;
    return ErrorOf(fcntl(descriptor_, command, &range));
  }

  int descriptor_;
};

class NamedSemaphore : public Lock {
 public:
  NamedSemaphore() {
    static int count = 0;
    char name[64];
    snprintf(name, sizeof(name), "/gordian-matrix-%d-%d", getpid(), ++count);
    semaphore_ = sem_open(name, O_CREAT | O_EXCL, 0600, 1);
    sem_unlink(name);
  }
  int Take() override { return ErrorOf(sem_wait(semaphore_)); }
  int Give() override { return ErrorOf(sem_post(semaphore_)); }
  int Try() override { return ErrorOf(sem_trywait(semaphore_)); }
  int TakeTimed() override {
    timespec deadline{};
    clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_sec += 60;
    return ErrorOf(sem_timedwait(semaphore_, &deadline));
  }

 private:
  sem_t* semaphore_;
};

template <typename T>
Lock* Make(void* place) {
  static_assert(sizeof(T) <= kLockBytes);
  return new (place) T();
}

}  // namespace

std::vector<Kind> FileKinds() {
  return {
      {"named-semaphore", Make<NamedSemaphore>},
      {"flock", Make<Flock>},
      {"fcntl", Make<Fcntl>, false, true},
  };
}

}  // namespace gordian::matrix
