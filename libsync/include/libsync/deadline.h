// Deadlines of the C++ library as the timespec of a clock that the C library knows. Used by the other headers
// here.
#ifndef LIBSYNC_DEADLINE_H_
#define LIBSYNC_DEADLINE_H_

#include <errno.h>
#include <time.h>

#include <chrono>
#include <system_error>
#include <type_traits>

namespace libsync::internal {

// ThreadSanitizer (of gcc 12 and clang 14) knows the timed calls of locks and semaphores, but not those that
// name a clock: it would take what they lock for unlocked. Built for it, everything waits by the clock of the
// former.
#if defined(__SANITIZE_THREAD__)
inline constexpr bool kOnlyRealTime = true;
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
inline constexpr bool kOnlyRealTime = true;
#else
inline constexpr bool kOnlyRealTime = false;
#endif
#else
inline constexpr bool kOnlyRealTime = false;
#endif

struct Deadline {
  clockid_t clock;
  timespec time;
};

template <typename Duration>
timespec ToTimespec(Duration since_epoch) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(since_epoch);
  const auto rest = std::chrono::duration_cast<std::chrono::nanoseconds>(since_epoch - seconds);
  timespec result{};
  result.tv_sec = static_cast<time_t>(seconds.count());
  result.tv_nsec = static_cast<long>(rest.count());
  return result;
}

template <typename Duration>
Deadline ToDeadline(const std::chrono::time_point<std::chrono::steady_clock, Duration>& time) {
  return {CLOCK_MONOTONIC, ToTimespec(time.time_since_epoch())};
}
template <typename Duration>
Deadline ToDeadline(const std::chrono::time_point<std::chrono::system_clock, Duration>& time) {
  return {CLOCK_REALTIME, ToTimespec(time.time_since_epoch())};
}
using WaitClock = std::conditional_t<kOnlyRealTime, std::chrono::system_clock, std::chrono::steady_clock>;

// Rounded up: never before its time.
template <typename Rep, typename Period>
WaitClock::time_point In(const std::chrono::duration<Rep, Period>& duration) {
  return WaitClock::now() + std::chrono::ceil<WaitClock::duration>(duration);
}

// `wait` answers as a timed pthread call does. A clock that the wait does not know is asked again whenever a
// wait by another is over.
template <typename Clock, typename Duration, typename Wait>
int WaitUntil(const std::chrono::time_point<Clock, Duration>& time, Wait wait) {
  if constexpr (std::is_same_v<Clock, WaitClock> || std::is_same_v<Clock, std::chrono::system_clock>) {
    return wait(ToDeadline(time));
  } else {
    while (true) {
      const int error = wait(ToDeadline(In(time - Clock::now())));
      if (error != ETIMEDOUT || Clock::now() >= time) {
        return error;
      }
    }
  }
}

inline void Check(int error) {
  if (error != 0) {
    throw std::system_error(error, std::generic_category());
  }
}

}  // namespace libsync::internal

#endif  // LIBSYNC_DEADLINE_H_
