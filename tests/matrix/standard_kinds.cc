// The locks of the C++ library and of C11.
#include <pthread.h>
#include <threads.h>
#include <time.h>

#include <chrono>
#include <mutex>
#include <new>
#include <shared_mutex>
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

template <typename T>
class Standard : public Lock {
 public:
  int Take() override {
    return ErrorOf([this] { lock_.lock(); });
  }
  int Give() override {
    lock_.unlock();
    return 0;
  }
  int Try() override { return lock_.try_lock() ? 0 : EBUSY; }
  int TakeTimed() override {
    if constexpr (requires(T & lock) { lock.try_lock_for(kLong); }) {
      return lock_.try_lock_for(kLong) ? 0 : ETIMEDOUT;
    }
    return ENOTSUP;
  }
  int TakeShared() override {
    if constexpr (kHasReaders) {
      return ErrorOf([this] { lock_.lock_shared(); });
    }
    return ENOTSUP;
  }
  int GiveShared() override {
    if constexpr (kHasReaders) {
      lock_.unlock_shared();
      return 0;
    }
    return ENOTSUP;
  }
  Stranger ByStranger() const override {
    if constexpr (kHasReaders) {
      return Stranger::kBreaksIt;
    }
    constexpr bool kRefuses =
        std::is_same_v<T, std::recursive_mutex> || std::is_same_v<T, std::recursive_timed_mutex>;
    return kRefuses ? Stranger::kIsRefused : Stranger::kGives;
  }

 private:
  static constexpr bool kHasReaders = requires(T & lock) { lock.lock_shared(); };
  T lock_;
};

int ErrorOfC11(int result) {
  return result == thrd_success    ? 0
         : result == thrd_busy     ? EBUSY
         : result == thrd_timedout ? ETIMEDOUT
                                   : EINVAL;
}

template <int type>
class C11 : public Lock {
 public:
  C11() { C11::Init(); }
  int Take() override { return ErrorOfC11(mtx_lock(&mutex_)); }
  int Give() override { return ErrorOfC11(mtx_unlock(&mutex_)); }
  int Try() override { return ErrorOfC11(mtx_trylock(&mutex_)); }
  int TakeTimed() override {
    timespec deadline{};
    timespec_get(&deadline, TIME_UTC);
    deadline.tv_sec += kLong.count();
    return (type & mtx_timed) != 0 ? ErrorOfC11(mtx_timedlock(&mutex_, &deadline)) : ENOTSUP;
  }
  int Init() override { return ErrorOfC11(mtx_init(&mutex_, type)); }
  // mtx_destroy does not tell: like the mutex that it is made of, it refuses one that is locked.
  int Destroy() override {
    mtx_destroy(&mutex_);
    constexpr int kDestroyed = -1;
    return reinterpret_cast<pthread_mutex_t*>(&mutex_)->__data.__kind == kDestroyed ? 0 : EBUSY;
  }
  Stranger ByStranger() const override {
    return (type & mtx_recursive) != 0 ? Stranger::kIsRefused : Stranger::kGives;
  }

 private:
  mtx_t mutex_;
};

template <typename T>
Lock* Make(void* place) {
  return new (place) T();
}

}  // namespace

std::vector<Kind> StandardKinds() {
  return {
      {"c11-plain", Make<C11<mtx_plain>>},
      {"c11-timed", Make<C11<mtx_timed>>},
      {"c11-recursive", Make<C11<mtx_plain | mtx_recursive>>},
      {"std::mutex", Make<Standard<std::mutex>>},
      {"std::timed_mutex", Make<Standard<std::timed_mutex>>},
      {"std::recursive_mutex", Make<Standard<std::recursive_mutex>>},
      {"std::shared_mutex", Make<Standard<std::shared_mutex>>},
      {"std::shared_timed_mutex", Make<Standard<std::shared_timed_mutex>>},
  };
}

}  // namespace gordian::matrix
