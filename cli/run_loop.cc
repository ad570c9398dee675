#include "cli/run_loop.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "cli/file_util.h"
#include "cli/kill_tree.h"

namespace gordian::cli {
namespace {

constexpr uint64_t kMs = 1'000'000;
constexpr uint64_t kSecond = 1'000 * kMs;
constexpr uint64_t kAbortPatienceNs = 1 * kSecond;
constexpr uint64_t kCorePatienceNs = 30 * kSecond;  // writing a large core takes its time
constexpr uint64_t kTermPatienceNs = 2 * kSecond;
constexpr uint64_t kKillAgainNs = 20 * kMs;
constexpr uint64_t kEndingLookNs = 20 * kMs;

uint64_t Deadline(uint64_t start_ns, const std::optional<double>& seconds) {
  return seconds.has_value() ? start_ns + static_cast<uint64_t>(*seconds * 1e9) : UINT64_MAX;
}

}  // namespace

RunLoop::RunLoop(const Options& options, Watcher* watcher, Sentinel* sentinel, const Outputs* outputs)
    : options_(options),
      watcher_(watcher),
      sentinel_(sentinel),
      outputs_(outputs),
      forwarder_(sentinel),
      start_ns_(NowNs()),
      dump_ns_(Deadline(start_ns_, options.dump_after)),
      kill_ns_(Deadline(start_ns_, options.kill_after)) {
  sigset_t all;
  sigfillset(&all);
  signal_fd_ = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
  forwarder_.SetTarget(watcher->root().first);
}

RunLoop::~RunLoop() { close(signal_fd_); }

void RunLoop::Run() {
  uint64_t now_ns = NowNs();
  while (!Over(now_ns)) {
    Wait(NextWake());
    TakeSignals();
    ReapChildren();
    now_ns = NowNs();
    forwarder_.Decide(now_ns);
    FireDeadlines(now_ns);
    if (now_ns >= watcher_->NextTick()) {
      watcher_->Tick(now_ns);
      OnHanging();
    }
    now_ns = NowNs();
  }
}

uint64_t RunLoop::NextWake() const {
  uint64_t next = std::min({watcher_->NextTick(), forwarder_.NextDecision(), dump_ns_, kill_ns_});
  if (kill_all_ns_ != UINT64_MAX) {
    next = std::min(next, std::max(kill_all_ns_, NowNs() + kKillAgainNs));
  }
  if (ended_ns_ != 0) {
    next = std::min(next, NowNs() + kEndingLookNs);
  }
  for (const Stuck& stuck : stuck_) {
    next = std::min(next, stuck.kill_ns);
  }
  return next;
}

void RunLoop::Wait(uint64_t until_ns) const {
  uint64_t now_ns = NowNs();
  uint64_t wait_ns = until_ns > now_ns ? std::min(until_ns - now_ns, kSecond) : 0;
  timespec timeout{static_cast<time_t>(wait_ns / kSecond), static_cast<long>(wait_ns % kSecond)};
  pollfd signals{signal_fd_, POLLIN, 0};
  ppoll(&signals, 1, &timeout, nullptr);
}

void RunLoop::TakeSignals() {
  signalfd_siginfo info{};
  while (read(signal_fd_, &info, sizeof(info)) == sizeof(info)) {
    if (ended_ns_ != 0 && (info.ssi_signo == SIGINT || info.ssi_signo == SIGTERM)) {
      grace_over_ = true;
    }
    if (info.ssi_signo != SIGCHLD) {
      forwarder_.Received(info, NowNs());
    }
  }
}

// The sentinel is not for here; everything else that ends was CMD or an orphan.
void RunLoop::ReapChildren() {
  for (;;) {
    siginfo_t info{};
    if (waitid(P_ALL, 0, &info, WEXITED | WSTOPPED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) {
      return;
    }
    pid_t pid = info.si_pid;
    if (info.si_code == CLD_STOPPED) {
      waitid(P_PID, static_cast<id_t>(pid), &info, WSTOPPED | WNOHANG);
      if (pid == watcher_->root().first) {
        FollowStop();
      }
    } else {
      ReapOne(pid);
    }
  }
}

void RunLoop::ReapOne(pid_t pid) {
  // What /proc knows of a zombie goes when it is reaped.
  auto stat = inspect::ReadStat(pid);
  int status = 0;
  if (waitpid(pid, &status, WNOHANG) != pid) {
    return;
  }
  if (pid == sentinel_->pid()) {
    sentinel_->Lost();
    return;
  }
  uint64_t now_ns = NowNs();
  if (stat.has_value()) {
    watcher_->Reaped(*stat, status, now_ns);
  }
  if (pid == watcher_->root().first && ended_ns_ == 0) {
    root_status_ = status;
    ended_ns_ = now_ns;
    forwarder_.SetTarget(-1);
    dump_ns_ = kill_ns_ = UINT64_MAX;
    watcher_->Hurry();
  }
}

// Job control: who started gordian must see the job stop, and continues gordian.
void RunLoop::FollowStop() {
  if (ended_by_ != EndedBy::kItself) {
    return;  // gordian itself stopped it
  }
  forwarder_.ForgetStops();
  raise(SIGSTOP);
}

void RunLoop::FireDeadlines(uint64_t now_ns) {
  if (now_ns >= dump_ns_) {
    dump_ns_ = UINT64_MAX;
    outputs_->Text(watcher_->Dump());
  }
  if (now_ns >= kill_ns_) {
    kill_ns_ = UINT64_MAX;
    EndTree(EndedBy::kWatchdog, watcher_->root(), SIGABRT, kAbortPatienceNs);
  }
  for (Stuck& stuck : stuck_) {
    if (now_ns >= stuck.kill_ns) {
      stuck.kill_ns = UINT64_MAX;
      SignalProcess(stuck.id, SIGKILL);
    }
  }
  ContinueEnding(now_ns);
}

void RunLoop::OnHanging() {
  const std::vector<ProcessId> hanging = watcher_->TakeHanging();
  // The end of one gives its robust locks to the next, which would go on: all are held until all have their
  // signal.
  const bool one_by_one = options_.on_deadlock == OnDeadlock::kKill;
  for (const ProcessId& id : one_by_one ? hanging : std::vector<ProcessId>()) {
    SignalProcess(id, SIGSTOP);
  }
  for (const ProcessId& id : hanging) {
    if (options_.on_deadlock == OnDeadlock::kReport && !options_.quiet &&
        std::exchange(tells_of_choice_, false)) {
      outputs_->Text(
          "gordian: it is left hanging, as --on-deadlock=report wants it; kill ends it, core lets it dump "
          "core first\n");
    }
    if (options_.on_deadlock == OnDeadlock::kKill) {
      EndStuck(id);
    }
    if (options_.on_deadlock == OnDeadlock::kKillTree) {
      EndTree(EndedBy::kDeadlockKill, id, SIGKILL, 0);
    }
    if (options_.on_deadlock == OnDeadlock::kCore) {
      EndTree(EndedBy::kDeadlockKill, id, SIGABRT, kCorePatienceNs);
    }
  }
  for (const ProcessId& id : one_by_one ? hanging : std::vector<ProcessId>()) {
    SignalProcess(id, SIGCONT);
  }
}

// Who started it finds it ended by a signal, and goes on.
void RunLoop::EndStuck(const ProcessId& id) {
  const bool known =
      std::any_of(stuck_.begin(), stuck_.end(), [&id](const Stuck& stuck) { return stuck.id == id; });
  if (known || !SignalProcess(id, SIGTERM)) {
    return;
  }
  const uint64_t now_ns = NowNs();
  stuck_.push_back({id, now_ns + kTermPatienceNs});
  watcher_->EndBegins(now_ns);
  if (id == watcher_->root() && ended_by_ == EndedBy::kItself) {
    ended_by_ = EndedBy::kDeadlockKill;
  }
}

void RunLoop::EndTree(EndedBy why, const ProcessId& first, int first_signal, uint64_t patience_ns) {
  if (ended_by_ != EndedBy::kItself) {
    return;
  }
  ended_by_ = why;
  watcher_->LookAtProcesses(NowNs());  // who is dead by now, did not die of this
  watcher_->EndBegins(NowNs());
  if (why == EndedBy::kDeadlockKill) {
    StopLiving(watcher_->tree(), first);
  }
  SignalProcess(first, first_signal);
  // A stopped process would not take it.
  SignalProcess(first, SIGCONT);
  first_ended_ = first;
  kill_all_ns_ = NowNs() + patience_ns;
  ContinueEnding(NowNs());
}

// SIGKILL for all, over and over: a process may fork before its signal arrives.
void RunLoop::ContinueEnding(uint64_t now_ns) {
  if (kill_all_ns_ == UINT64_MAX) {
    return;
  }
  bool first_is_gone = !IsAlive(first_ended_);
  if (now_ns < kill_all_ns_ && !first_is_gone) {
    return;
  }
  kill_all_ns_ = now_ns;
  watcher_->LookAtProcesses(now_ns);
  KillLiving(watcher_->tree());
}

// Gordian is the subreaper: whoever lives below it hangs on a living child of its own.
bool RunLoop::HasDescendants() const {
  pid_t self = getpid();
  std::string children = ReadSmallFile(absl::StrCat("/proc/self/task/", self, "/children"));
  if (children.empty()) {  // a kernel without this file: the sentinel is always there
    watcher_->LookAtProcesses(NowNs());
    return !watcher_->tree().Living().empty();
  }
  for (absl::string_view child : absl::StrSplit(children, ' ', absl::SkipEmpty())) {
    if (child != absl::StrCat(sentinel_->pid())) {
      return true;
    }
  }
  return false;
}

bool RunLoop::Over(uint64_t now_ns) const {
  const bool ending = std::any_of(stuck_.begin(), stuck_.end(), [](const Stuck& stuck) {
    return stuck.kill_ns != UINT64_MAX && IsAlive(stuck.id);
  });
  if (ended_ns_ == 0 || ending) {
    return false;
  }
  return grace_over_ || now_ns - ended_ns_ >= options_.grace_ms * kMs || !HasDescendants();
}

}  // namespace gordian::cli
