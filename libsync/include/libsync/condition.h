// libsync::Condition: std::condition_variable for libsync::Mutex, with a name; see libsync/mutex.h.
//
//     std::unique_lock lock(mutex);
//     condition.wait(lock, [&] { return !queue.empty(); });
#ifndef LIBSYNC_CONDITION_H_
#define LIBSYNC_CONDITION_H_

#include <errno.h>
#include <libsync/annotate.h>
#include <libsync/deadline.h>
#include <libsync/mutex.h>
#include <pthread.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <utility>

namespace libsync {

class Condition {
 public:
  using native_handle_type = pthread_cond_t*;

  constexpr Condition() noexcept = default;
  explicit Condition(const char* name) noexcept {
    pthread_cond_init(&condition_, nullptr);
    gordian_name(&condition_, name);
  }
  ~Condition() { pthread_cond_destroy(&condition_); }
  Condition(const Condition&) = delete;
  Condition& operator=(const Condition&) = delete;

  void notify_one() noexcept { pthread_cond_signal(&condition_); }
  void notify_all() noexcept { pthread_cond_broadcast(&condition_); }

  void wait(std::unique_lock<Mutex>& lock) {
    internal::Check(pthread_cond_wait(&condition_, lock.mutex()->native_handle()));
  }
  template <typename Predicate>
  void wait(std::unique_lock<Mutex>& lock, Predicate predicate) {
    while (!predicate()) {
      wait(lock);
    }
  }

  template <typename Clock, typename Duration>
  std::cv_status wait_until(std::unique_lock<Mutex>& lock,
                            const std::chrono::time_point<Clock, Duration>& time) {
    const int error =
        internal::WaitUntil(time, [&](const internal::Deadline& deadline) { return Wait(lock, deadline); });
    if (error == ETIMEDOUT) {
      return std::cv_status::timeout;
    }
    internal::Check(error);
    return std::cv_status::no_timeout;
  }
  template <typename Clock, typename Duration, typename Predicate>
  bool wait_until(std::unique_lock<Mutex>& lock, const std::chrono::time_point<Clock, Duration>& time,
                  Predicate predicate) {
    while (!predicate()) {
      if (wait_until(lock, time) == std::cv_status::timeout) {
        return predicate();
      }
    }
    return true;
  }
  template <typename Rep, typename Period>
  std::cv_status wait_for(std::unique_lock<Mutex>& lock, const std::chrono::duration<Rep, Period>& duration) {
    return wait_until(lock, internal::In(duration));
  }
  template <typename Rep, typename Period, typename Predicate>
  bool wait_for(std::unique_lock<Mutex>& lock, const std::chrono::duration<Rep, Period>& duration,
                Predicate predicate) {
    return wait_until(lock, internal::In(duration), std::move(predicate));
  }

  native_handle_type native_handle() noexcept { return &condition_; }

 private:
  int Wait(std::unique_lock<Mutex>& lock, const internal::Deadline& deadline) {
    return pthread_cond_clockwait(&condition_, lock.mutex()->native_handle(), deadline.clock, &deadline.time);
  }

  pthread_cond_t condition_ = PTHREAD_COND_INITIALIZER;
};

}  // namespace libsync

#endif  // LIBSYNC_CONDITION_H_
