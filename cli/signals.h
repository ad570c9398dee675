// What gordian does with the signals that it receives: it survives them, and hands a signal on to the program
// only when it reached gordian alone.
//
// A terminal and kill(-pgid) send to the whole process group, so the program already got its own. Whether
// they did is asked of a sentinel: a process in the same group that blocks every signal and never takes one,
// until it is asked which of them are pending.
//
// Thread safety: none; one thread, one instance a process.
#ifndef GORDIAN_CLI_SIGNALS_H_
#define GORDIAN_CLI_SIGNALS_H_

#include <sys/signalfd.h>
#include <sys/types.h>

#include <csignal>
#include <cstdint>
#include <vector>

namespace gordian::cli {

// Keeps argv for the sentinel, which must not look like gordian to `pkill -f`.
void RememberArguments(int argc, char** argv);

// The signals of gordian as it found them, to be given to the program.
struct InheritedSignals {
  sigset_t mask;
  bool child_ignored = false;  // SIGCHLD was ignored
  void Restore() const;        // async-signal-safe
};

// Blocks everything that can be blocked without hiding a crash of gordian itself, and makes SIGCHLD arrive.
InheritedSignals TakeSignals();

class Sentinel {
 public:
  Sentinel() = default;
  Sentinel(const Sentinel&) = delete;
  ~Sentinel();
  // REQUIRES: TakeSignals() was called. False: no process could be made.
  bool Start();
  // Takes every pending signal of that number from the sentinel and says how many there were; -1: it is gone.
  int Drain(int signal);
  pid_t pid() const { return pid_; }
  // It was reaped: somebody killed it.
  void Lost() { pid_ = -1; }

 private:
  pid_t pid_ = -1;
  int socket_ = -1;
};

class SignalForwarder {
 public:
  // How long a signal is kept before the sentinel is asked: a sender like timeout(1) addresses gordian first
  // and the group right after it.
  static constexpr uint64_t kDecideNs = 50'000'000;

  explicit SignalForwarder(Sentinel* sentinel) : sentinel_(sentinel) {}

  // The process to hand signals on to. Before and after its life signals are dropped.
  void SetTarget(pid_t pid) { target_ = pid; }

  // SIGCHLD is not for here.
  void Received(const signalfd_siginfo& info, uint64_t now_ns);

  // Hands on what is due.
  void Decide(uint64_t now_ns);

  // When Decide() has to be called next; UINT64_MAX: nothing waits.
  uint64_t NextDecision() const;

  // The program has stopped: the signals that stop are used up, wherever they came from.
  void ForgetStops();

 private:
  struct Waiting {
    signalfd_siginfo info;
    uint64_t received_ns;
  };
  void Resolve(int signal);
  void Forward(const signalfd_siginfo& info) const;

  Sentinel* sentinel_;
  pid_t target_ = -1;
  std::vector<Waiting> waiting_;
};

}  // namespace gordian::cli

#endif  // GORDIAN_CLI_SIGNALS_H_
