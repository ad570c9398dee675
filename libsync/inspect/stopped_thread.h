// A thread that is held for a moment, for all of its registers.
//
// Only for a thread that runs or waits for a futex without a timeout: such a wait goes on afterwards as if
// nothing had been, while epoll_wait and semtimedop would end with EINTR. Whatever becomes of gordian, the
// kernel lets the thread go on when gordian ends.
//
// Thread safety: none; the kernel ties a held thread to the thread that holds it.
#ifndef GORDIAN_LIBSYNC_INSPECT_STOPPED_THREAD_H_
#define GORDIAN_LIBSYNC_INSPECT_STOPPED_THREAD_H_

#include <sys/types.h>
#include <sys/user.h>

#include <optional>

namespace gordian::inspect {

class StoppedThread {
 public:
  explicit StoppedThread(pid_t tid);
  // Lets it go on, with the signal that it was about to take.
  ~StoppedThread();
  StoppedThread(const StoppedThread&) = delete;
  StoppedThread& operator=(const StoppedThread&) = delete;

  // nullopt: it could not be stopped. Somebody traces it, it ended, or it did not come to a stop in time.
  const std::optional<user_regs_struct>& registers() const { return registers_; }

 private:
  pid_t tid_;
  bool stopped_ = false;
  int signal_ = 0;
  std::optional<user_regs_struct> registers_;
};

}  // namespace gordian::inspect

#endif  // GORDIAN_LIBSYNC_INSPECT_STOPPED_THREAD_H_
