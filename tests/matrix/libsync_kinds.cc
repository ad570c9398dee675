// libsync's own types.
#include <libsync/mutex.h>
#include <libsync/semaphore.h>
#include <libsync/shared_mutex.h>

#include <chrono>
#include <memory>
#include <new>
#include <system_error>

#include "tests/matrix/lock.h"

namespace gordian::matrix {
namespace {

constexpr std::chrono::seconds kLong(60);

template <typename Call>
int ErrorOf(Call call) {
  try {
    call();
    return 0;
  } catch (const std::system_error& error) {
    return error.code().value();
  }
}

// The object in memory of its own, so that it can be destroyed, and used afterwards, as programs do by
// mistake.
template <typename T>
class Held {
 public:
  template <typename... Arguments>
  explicit Held(Arguments... arguments) {
    new (memory_) T(arguments...);
  }
  ~Held() { Destroy(); }
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;

  T* operator->() { return reinterpret_cast<T*>(memory_); }
  void Destroy() {
    if (alive_) {
      alive_ = false;
      std::destroy_at(operator->());
    }
  }

 private:
  alignas(T) char memory_[sizeof(T)];
  bool alive_ = true;
};

template <typename T>
class LibsyncLock : public Lock {
 public:
  int Take() override {
    return ErrorOf([this] { lock_->lock(); });
  }
  int Give() override {
    lock_->unlock();
    return 0;
  }
  int Try() override { return lock_->try_lock() ? 0 : EBUSY; }
  int TakeTimed() override { return lock_->try_lock_for(kLong) ? 0 : ETIMEDOUT; }
  int TakeShared() override {
    if constexpr (kHasReaders) {
      return ErrorOf([this] { lock_->lock_shared(); });
    }
    return ENOTSUP;
  }
  int GiveShared() override {
    if constexpr (kHasReaders) {
      lock_->unlock_shared();
      return 0;
    }
    return ENOTSUP;
  }
  int Destroy() override {
    lock_.Destroy();
    return 0;
  }
  Stranger ByStranger() const override { return kHasReaders ? Stranger::kBreaksIt : Stranger::kGives; }

 private:
  static constexpr bool kHasReaders = requires(T & lock) { lock.lock_shared(); };
  Held<T> lock_{"lock"};
};

class LibsyncSemaphore : public Lock {
 public:
  int Take() override {
    return ErrorOf([this] { semaphore_->acquire(); });
  }
  int Give() override {
    return ErrorOf([this] { semaphore_->release(); });
  }
  int Try() override { return semaphore_->try_acquire() ? 0 : EBUSY; }
  int TakeTimed() override { return semaphore_->try_acquire_for(kLong) ? 0 : ETIMEDOUT; }
  int Destroy() override {
    semaphore_.Destroy();
    return 0;
  }

 private:
  Held<libsync::Semaphore> semaphore_{1, "semaphore"};
};

template <typename T>
Lock* Make(void* place) {
  return new (place) T();
}

}  // namespace

std::vector<Kind> LibsyncKinds() {
  return {
      {"libsync::Mutex", Make<LibsyncLock<libsync::Mutex>>},
      {"libsync::SharedMutex", Make<LibsyncLock<libsync::SharedMutex>>},
      {"libsync::Semaphore", Make<LibsyncSemaphore>},
  };
}

}  // namespace gordian::matrix
