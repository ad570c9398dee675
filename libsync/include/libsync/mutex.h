// libsync::Mutex: std::timed_mutex with a name.
//
//     libsync::Mutex mutex{"accounts"};
//     std::lock_guard lock(mutex);
//
// A thin wrapper of a pthread mutex: whatever watches that one (Gordian's shim, preloaded or linked) sees
// this one. Without it nothing is added. Its destructor destroys the mutex, so that destroying a held one is
// told of.
#ifndef LIBSYNC_MUTEX_H_
#define LIBSYNC_MUTEX_H_

#include <libsync/annotate.h>
#include <libsync/deadline.h>
#include <pthread.h>

#include <chrono>

namespace libsync {

class Mutex {
 public:
  using native_handle_type = pthread_mutex_t*;

  constexpr Mutex() noexcept = default;
  explicit Mutex(const char* name) noexcept {
    pthread_mutex_init(&mutex_, nullptr);
    gordian_name(&mutex_, name);
  }
  ~Mutex() { pthread_mutex_destroy(&mutex_); }
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

  void lock() { internal::Check(pthread_mutex_lock(&mutex_)); }
  bool try_lock() noexcept { return pthread_mutex_trylock(&mutex_) == 0; }
  void unlock() { pthread_mutex_unlock(&mutex_); }

  template <typename Rep, typename Period>
  bool try_lock_for(const std::chrono::duration<Rep, Period>& duration) {
    return try_lock_until(internal::In(duration));
  }
  template <typename Clock, typename Duration>
  bool try_lock_until(const std::chrono::time_point<Clock, Duration>& time) {
    return internal::WaitUntil(time, [this](const internal::Deadline& deadline) { return Lock(deadline); }) ==
           0;
  }

  native_handle_type native_handle() noexcept { return &mutex_; }

 private:
  int Lock(const internal::Deadline& deadline) {
    return deadline.clock == CLOCK_REALTIME
               ? pthread_mutex_timedlock(&mutex_, &deadline.time)
               : pthread_mutex_clocklock(&mutex_, deadline.clock, &deadline.time);
  }

  pthread_mutex_t mutex_ = PTHREAD_MUTEX_INITIALIZER;
};

}  // namespace libsync

#endif  // LIBSYNC_MUTEX_H_
