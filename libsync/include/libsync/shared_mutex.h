// libsync::SharedMutex: std::shared_timed_mutex with a name; see libsync/mutex.h.
#ifndef LIBSYNC_SHARED_MUTEX_H_
#define LIBSYNC_SHARED_MUTEX_H_

#include <errno.h>
#include <libsync/annotate.h>
#include <libsync/deadline.h>
#include <pthread.h>

#include <chrono>

namespace libsync {

class SharedMutex {
 public:
  using native_handle_type = pthread_rwlock_t*;

  constexpr SharedMutex() noexcept = default;
  explicit SharedMutex(const char* name) noexcept {
    pthread_rwlock_init(&rwlock_, nullptr);
    gordian_name(&rwlock_, name);
  }
  ~SharedMutex() { pthread_rwlock_destroy(&rwlock_); }
  SharedMutex(const SharedMutex&) = delete;
  SharedMutex& operator=(const SharedMutex&) = delete;

  void lock() { internal::Check(pthread_rwlock_wrlock(&rwlock_)); }
  bool try_lock() noexcept { return pthread_rwlock_trywrlock(&rwlock_) == 0; }
  void unlock() { pthread_rwlock_unlock(&rwlock_); }

  // EAGAIN: as many readers as fit are inside; as with a writer inside, there is nothing to do but to come
  // again.
  void lock_shared() {
    int error;
    do {
      error = pthread_rwlock_rdlock(&rwlock_);
    } while (error == EAGAIN);
    internal::Check(error);
  }
  bool try_lock_shared() noexcept { return pthread_rwlock_tryrdlock(&rwlock_) == 0; }
  void unlock_shared() { pthread_rwlock_unlock(&rwlock_); }

  template <typename Rep, typename Period>
  bool try_lock_for(const std::chrono::duration<Rep, Period>& duration) {
    return try_lock_until(internal::In(duration));
  }
  template <typename Clock, typename Duration>
  bool try_lock_until(const std::chrono::time_point<Clock, Duration>& time) {
    return internal::WaitUntil(time, [this](const internal::Deadline& deadline) { return Lock(deadline); }) ==
           0;
  }
  template <typename Rep, typename Period>
  bool try_lock_shared_for(const std::chrono::duration<Rep, Period>& duration) {
    return try_lock_shared_until(internal::In(duration));
  }
  template <typename Clock, typename Duration>
  bool try_lock_shared_until(const std::chrono::time_point<Clock, Duration>& time) {
    return internal::WaitUntil(
               time, [this](const internal::Deadline& deadline) { return LockShared(deadline); }) == 0;
  }

  native_handle_type native_handle() noexcept { return &rwlock_; }

 private:
  int Lock(const internal::Deadline& deadline) {
    return deadline.clock == CLOCK_REALTIME
               ? pthread_rwlock_timedwrlock(&rwlock_, &deadline.time)
               : pthread_rwlock_clockwrlock(&rwlock_, deadline.clock, &deadline.time);
  }
  int LockShared(const internal::Deadline& deadline) {
    return deadline.clock == CLOCK_REALTIME
               ? pthread_rwlock_timedrdlock(&rwlock_, &deadline.time)
               : pthread_rwlock_clockrdlock(&rwlock_, deadline.clock, &deadline.time);
  }

  pthread_rwlock_t rwlock_ = PTHREAD_RWLOCK_INITIALIZER;
};

}  // namespace libsync

#endif  // LIBSYNC_SHARED_MUTEX_H_
