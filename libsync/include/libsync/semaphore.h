// libsync::Semaphore: std::counting_semaphore with a name, on sem_t; see libsync/mutex.h. The one of the C++
// library waits in a futex of its own, whose owner nobody can know.
#ifndef LIBSYNC_SEMAPHORE_H_
#define LIBSYNC_SEMAPHORE_H_

#include <errno.h>
#include <libsync/annotate.h>
#include <libsync/deadline.h>
#include <limits.h>
#include <semaphore.h>

#include <chrono>
#include <cstddef>

namespace libsync {

class Semaphore {
 public:
  using native_handle_type = sem_t*;

  static constexpr std::ptrdiff_t max() noexcept { return SEM_VALUE_MAX; }

  explicit Semaphore(std::ptrdiff_t desired, const char* name = nullptr) {
    internal::Check(ErrorOf(sem_init(&semaphore_, 0, static_cast<unsigned>(desired))));
    gordian_name(&semaphore_, name);
  }
  ~Semaphore() { sem_destroy(&semaphore_); }
  Semaphore(const Semaphore&) = delete;
  Semaphore& operator=(const Semaphore&) = delete;

  void release(std::ptrdiff_t update = 1) {
    for (; update > 0; --update) {
      internal::Check(ErrorOf(sem_post(&semaphore_)));
    }
  }
  void acquire() {
    internal::Check(Again([this] { return sem_wait(&semaphore_); }));
  }
  bool try_acquire() noexcept {
    return Again([this] { return sem_trywait(&semaphore_); }) == 0;
  }
  template <typename Rep, typename Period>
  bool try_acquire_for(const std::chrono::duration<Rep, Period>& duration) {
    return try_acquire_until(internal::In(duration));
  }
  template <typename Clock, typename Duration>
  bool try_acquire_until(const std::chrono::time_point<Clock, Duration>& time) {
    return internal::WaitUntil(time,
                               [this](const internal::Deadline& deadline) { return Acquire(deadline); }) == 0;
  }

  native_handle_type native_handle() noexcept { return &semaphore_; }

 private:
  static int ErrorOf(int result) noexcept { return result == 0 ? 0 : errno; }

  // A handler of a signal ends a wait on a semaphore, as it does not one on a mutex.
  template <typename Call>
  static int Again(Call call) {
    int error;
    do {
      error = ErrorOf(call());
    } while (error == EINTR);
    return error;
  }
  int Acquire(const internal::Deadline& deadline) {
    return Again([&] {
      return deadline.clock == CLOCK_REALTIME ? sem_timedwait(&semaphore_, &deadline.time)
                                              : sem_clockwait(&semaphore_, deadline.clock, &deadline.time);
    });
  }

  sem_t semaphore_;
};

}  // namespace libsync

#endif  // LIBSYNC_SEMAPHORE_H_
