// libsync::Thread: std::thread with a name, which debuggers and reports show.
//
//     libsync::Thread worker("worker", Serve, std::ref(queue));
//     worker.join();
#ifndef LIBSYNC_THREAD_H_
#define LIBSYNC_THREAD_H_

#include <pthread.h>
#include <string.h>

#include <functional>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>

namespace libsync {

class Thread {
 public:
  using id = std::thread::id;
  using native_handle_type = std::thread::native_handle_type;

  Thread() noexcept = default;
  template <
      typename Function, typename... Arguments,
      std::enable_if_t<std::is_invocable_v<std::decay_t<Function>, std::decay_t<Arguments>...>, int> = 0>
  explicit Thread(Function&& function, Arguments&&... arguments)
      : thread_(std::forward<Function>(function), std::forward<Arguments>(arguments)...) {}
  // The name is cut to the 15 characters that the kernel keeps.
  template <
      typename Function, typename... Arguments,
      std::enable_if_t<std::is_invocable_v<std::decay_t<Function>, std::decay_t<Arguments>...>, int> = 0>
  Thread(const char* name, Function&& function, Arguments&&... arguments)
      : thread_(
            [name = std::string(name, strnlen(name, kNameBytes))](auto&& called, auto&&... values) {
              pthread_setname_np(pthread_self(), name.c_str());
              std::invoke(std::forward<decltype(called)>(called), std::forward<decltype(values)>(values)...);
            },
            std::forward<Function>(function), std::forward<Arguments>(arguments)...) {}

  // Moving, swapping and ending are std::thread's: one that is joinable at its end terminates the program.
  Thread(Thread&&) noexcept = default;
  Thread& operator=(Thread&&) noexcept = default;
  void swap(Thread& other) noexcept { thread_.swap(other.thread_); }

  bool joinable() const noexcept { return thread_.joinable(); }
  void join() { thread_.join(); }
  void detach() { thread_.detach(); }
  id get_id() const noexcept { return thread_.get_id(); }
  native_handle_type native_handle() { return thread_.native_handle(); }
  static unsigned hardware_concurrency() noexcept { return std::thread::hardware_concurrency(); }

 private:
  static constexpr size_t kNameBytes = 15;

  std::thread thread_;
};

inline void swap(Thread& a, Thread& b) noexcept { a.swap(b); }

}  // namespace libsync

#endif  // LIBSYNC_THREAD_H_
