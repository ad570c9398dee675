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
// Rounded up: never before its time.
template <typename Rep, typename Period>
std::chrono::steady_clock::time_point In(const std::chrono::duration<Rep, Period>& duration) {
  return std::chrono::steady_clock::now() + std::chrono::ceil<std::chrono::steady_clock::duration>(duration);
}

// `wait` answers as a timed pthread call does. A clock that the C library does not know is asked again
// whenever a wait by another is over.
template <typename Clock, typename Duration, typename Wait>
int WaitUntil(const std::chrono::time_point<Clock, Duration>& time, Wait wait) {
  if constexpr (std::is_same_v<Clock, std::chrono::steady_clock> ||
                std::is_same_v<Clock, std::chrono::system_clock>) {
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
