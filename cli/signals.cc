#include "cli/signals.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <utility>

namespace gordian::cli {
namespace {

constexpr char kSentinelName[] = "[sentinel]";

char* g_arguments = nullptr;
size_t g_argument_bytes = 0;

bool IsStop(int signal) { return signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU; }

// A signal that says something about gordian itself, not about what somebody wants of the program.
bool IsOwn(const signalfd_siginfo& info) {
  return info.ssi_signo == SIGXCPU ||
         (info.ssi_code == SI_USER && info.ssi_pid == static_cast<uint32_t>(getpid()));
}

void HideArguments() {
  if (g_argument_bytes > sizeof(kSentinelName)) {
    std::memset(g_arguments, 0, g_argument_bytes);
    std::memcpy(g_arguments, kSentinelName, sizeof(kSentinelName));
  }
  prctl(PR_SET_NAME, "sentinel");
}

int CountPending(int signal) {
  sigset_t only;
  sigemptyset(&only);
  sigaddset(&only, signal);
  const timespec no_time{0, 0};
  int count = 0;
  while (sigtimedwait(&only, nullptr, &no_time) == signal) {
    ++count;
  }
  return count;
}

// Answers requests until gordian has ended.
[[noreturn]] void ServeAsSentinel(int socket, pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) {
    _exit(0);
  }
  HideArguments();
  // Nothing of the program's world may stay open because of this process.
  if (dup2(socket, 0) != 0) {
    _exit(1);
  }
  syscall(SYS_close_range, 1u, ~0u, 0u);
  for (;;) {
    int signal = 0;
    ssize_t n = read(0, &signal, sizeof(signal));
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n != sizeof(signal)) {
      _exit(0);
    }
    int count = CountPending(signal);
    if (write(0, &count, sizeof(count)) != sizeof(count)) {
      _exit(0);
    }
  }
}

}  // namespace

void RememberArguments(int argc, char** argv) {
  if (argc <= 0) {
    return;
  }
  g_arguments = argv[0];
  // The kernel lays them out one behind the other.
  g_argument_bytes = static_cast<size_t>(argv[argc - 1] + std::strlen(argv[argc - 1]) - argv[0]) + 1;
}

void InheritedSignals::Restore() const {
  if (child_ignored) {
    signal(SIGCHLD, SIG_IGN);
  }
  sigprocmask(SIG_SETMASK, &mask, nullptr);
}

InheritedSignals TakeSignals() {
  InheritedSignals inherited;
  sigset_t blocked;
  sigfillset(&blocked);
  for (int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT}) {
    sigdelset(&blocked, fault);
  }
  sigprocmask(SIG_SETMASK, &blocked, &inherited.mask);
  // An ignored SIGCHLD would reap the program behind our back.
  struct sigaction before {};
  struct sigaction defaults {};
  defaults.sa_handler = SIG_DFL;
  sigaction(SIGCHLD, &defaults, &before);
  inherited.child_ignored = before.sa_handler == SIG_IGN;
  return inherited;
}

Sentinel::~Sentinel() {
  if (socket_ >= 0) {
    close(socket_);
  }
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
}

bool Sentinel::Start() {
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
    return false;
  }
  pid_t parent = getpid();
  pid_ = fork();
  if (pid_ == 0) {
    ServeAsSentinel(pair[1], parent);
  }
  close(pair[1]);
  if (pid_ < 0) {
    close(pair[0]);
    return false;
  }
  socket_ = pair[0];
  timeval patience{0, 200'000};
  setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  return true;
}

int Sentinel::Drain(int signal) {
  int count = -1;
  if (send(socket_, &signal, sizeof(signal), MSG_NOSIGNAL) != sizeof(signal)) {
    return -1;
  }
  if (recv(socket_, &count, sizeof(count), 0) == sizeof(count)) {
    return count;
  }
  // It was stopped with the group and gordian was continued alone. Our own SIGCONT must not be counted.
  kill(pid_, SIGCONT);
  ssize_t n = -1;
  for (int tries = 0; tries < 10 && n < 0; ++tries) {
    n = recv(socket_, &count, sizeof(count), 0);
  }
  if (n != sizeof(count)) {
    return -1;
  }
  return signal == SIGCONT ? 0 : count;
}

void SignalForwarder::Received(const signalfd_siginfo& info, uint64_t now_ns) {
  waiting_.push_back({info, now_ns});
}

uint64_t SignalForwarder::NextDecision() const {
  uint64_t next = UINT64_MAX;
  for (const Waiting& waiting : waiting_) {
    next = std::min(next, waiting.received_ns + kDecideNs);
  }
  return next;
}

void SignalForwarder::Decide(uint64_t now_ns) {
  while (NextDecision() <= now_ns) {
    auto due = std::find_if(waiting_.begin(), waiting_.end(), [&](const Waiting& waiting) {
      return waiting.received_ns + kDecideNs <= now_ns;
    });
    Resolve(static_cast<int>(due->info.ssi_signo));
  }
}

// All of one signal at once: the sentinel's answer stands for everything that came until now.
void SignalForwarder::Resolve(int signal) {
  std::vector<signalfd_siginfo> received;
  std::erase_if(waiting_, [&](const Waiting& waiting) {
    if (static_cast<int>(waiting.info.ssi_signo) != signal) {
      return false;
    }
    if (!IsOwn(waiting.info)) {
      received.push_back(waiting.info);
    }
    return true;
  });
  int grouped = sentinel_->Drain(signal);
  bool left_group = target_ > 0 && getpgid(target_) != getpgrp();
  // Only real-time signals queue: of the others one in the group stands for several.
  size_t same = grouped <= 0 ? 0 : signal < SIGRTMIN ? received.size() : static_cast<size_t>(grouped);
  for (size_t i = 0; i < received.size(); ++i) {
    bool from_terminal = received[i].ssi_code == SI_KERNEL;
    if (left_group ? !from_terminal : i >= same) {
      Forward(received[i]);
    }
  }
}

void SignalForwarder::Forward(const signalfd_siginfo& info) const {
  if (target_ <= 0) {
    return;
  }
  int signal = static_cast<int>(info.ssi_signo);
  if (info.ssi_code == SI_QUEUE) {
    sigval value{};
    std::memcpy(&value, &info.ssi_ptr, sizeof(value));
    sigqueue(target_, signal, value);
  } else {
    kill(target_, signal);
  }
}

void SignalForwarder::ForgetStops() {
  std::erase_if(waiting_,
                [](const Waiting& waiting) { return IsStop(static_cast<int>(waiting.info.ssi_signo)); });
  for (int signal : {SIGTSTP, SIGTTIN, SIGTTOU}) {
    sentinel_->Drain(signal);
  }
}

}  // namespace gordian::cli
