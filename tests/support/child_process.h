// Child processes of a test, always reaped at the end of their scope.
#ifndef GORDIAN_TESTS_SUPPORT_CHILD_PROCESS_H_
#define GORDIAN_TESTS_SUPPORT_CHILD_PROCESS_H_

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <utility>

namespace gordian {

class ChildProcess {
 public:
  // `body` runs in the child, which then leaves by _exit(0).
  template <typename Body>
  explicit ChildProcess(Body body) {
    pid_ = fork();
    if (pid_ < 0) {
      abort();
    }
    if (pid_ == 0) {
      body();
      _exit(0);
    }
  }
  ~ChildProcess() {
    if (pid_ > 0) {
      kill(pid_, SIGKILL);
      Reap();
    }
  }
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  pid_t pid() const { return pid_; }

  // Waits until the child is over and leaves it a zombie.
  void WaitForEnd() const {
    siginfo_t info;
    waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT);
  }
  // Its status as wait(2) gives it.
  int Reap() {
    int status = 0;
    waitpid(std::exchange(pid_, -1), &status, 0);
    return status;
  }

 private:
  pid_t pid_ = -1;
};

// A pipe whose ends close themselves.
class Pipe {
 public:
  Pipe() {
    if (pipe(ends_) != 0) {
      abort();
    }
  }
  ~Pipe() {
    CloseRead();
    CloseWrite();
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  int read_end() const { return ends_[0]; }
  int write_end() const { return ends_[1]; }
  void CloseRead() { Close(&ends_[0]); }
  void CloseWrite() { Close(&ends_[1]); }

 private:
  static void Close(int* end) {
    if (*end >= 0) {
      close(std::exchange(*end, -1));
    }
  }
  int ends_[2];
};

}  // namespace gordian

#endif  // GORDIAN_TESTS_SUPPORT_CHILD_PROCESS_H_
