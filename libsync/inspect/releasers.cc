#include "libsync/inspect/releasers.h"

#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <memory>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "libsync/inspect/calls.h"
#include "libsync/inspect/descriptors.h"
#include "libsync/inspect/futex_wait.h"
#include "libsync/inspect/memory.h"
#include "libsync/inspect/polled.h"
#include "libsync/inspect/service_signals.h"
#include "libsync/inspect/signal_help.h"
#include "libsync/inspect/sockets.h"
#include "libsync/inspect/words.h"

namespace gordian::inspect {
namespace {

using trace::Index;
using trace::WaitKind;

bool Writes(int64_t call) {
  return call == SYS_write || call == SYS_writev || call == SYS_sendto || call == SYS_sendmsg;
}

bool LocksFile(int64_t call) { return call == SYS_flock || call == SYS_fcntl; }

bool IsPipe(const std::string& target) { return target.starts_with("pipe:"); }
bool IsSocket(const std::string& target) { return target.starts_with("socket:"); }

// Whether it is a pipe or a socket of this machine.
bool LeadsToProcesses(pid_t pid, int number, const Surroundings& surroundings) {
  const std::string target = DescriptorTarget(pid, number);
  return (IsPipe(target) || (IsSocket(target) && IsLocalSocket(pid, number))) &&
         !surroundings.given.contains(target);
}

// Others may still find it by its name and map it. The kernel marks files that are deleted, and memory that
// never had a name; System V memory shows its key.
bool HasName(const Mapping& mapping) {
  constexpr std::string_view system_v = "/SYSV";
  if (mapping.path.starts_with(system_v)) {
    return !mapping.path.starts_with("/SYSV00000000");
  }
  return !mapping.path.ends_with(" (deleted)");
}

class Namer {
 public:
  Namer(const std::vector<ProcessFacts>& facts, const Surroundings& surroundings, trace::Run* run)
      : facts_(facts), surroundings_(surroundings), run_(run) {
    for (size_t p = 0; p < run->processes.size(); ++p) {
      index_[run->processes[p].pid] = static_cast<Index>(p);
    }
  }

  void Name() {
    for (size_t p = 0; p < facts_.size(); ++p) {
      helped_.push_back(facts_[p].traced || facts_[p].space->HasKernelHelper());
    }
    for (size_t p = 0; p < facts_.size(); ++p) {
      LimitFileLocks(p);
      for (trace::Thread& thread : run_->processes[p].threads) {
        const auto facts = facts_[p].waits.find(thread.tid);
        if (thread.settled && !thread.wait.timed && facts != facts_[p].waits.end()) {
          NameWait(p, facts->second, &thread.wait);
        }
      }
    }
    for (const auto& [process, waits] : handled_) {
      NameSignals(process);
    }
  }

  const std::set<pid_t>& partners() const { return partners_; }

 private:
  using Pids = std::optional<std::vector<pid_t>>;

  void NameSignals(Index process);
  void LimitFileLocks(size_t process);
  void NameWait(size_t process, const WaitFacts& facts, trace::Wait* wait);
  Pids Children(size_t process, int64_t which);
  Pids WithMapping(const Mapping& own);
  Pids AtDescriptor(size_t process, const TaskWait& call);
  Pids AtFile(pid_t pid, const Polled& way);
  Pids AtPoll(size_t process, const TaskWait& call);
  void NameFileLockHolders(size_t process, const WaitFacts& facts, trace::Wait* wait);
  Pids AtSocket(const FileId& own);
  Pids WhoHave(const FileId& file, bool (*helps)(const Descriptor&));
  const DescriptorTable& Table();

  const std::vector<ProcessFacts>& facts_;
  const Surroundings& surroundings_;
  trace::Run* run_;
  std::map<pid_t, Index> index_;
  std::vector<bool> helped_;
  std::set<pid_t> partners_;
  std::map<Index, std::vector<trace::Wait*>> handled_;  // what a process could end by a handler of a signal
  std::unique_ptr<DescriptorTable> table_;
  std::optional<std::multimap<pid_t, ProcStat>> by_parent_;
  std::unique_ptr<UnixSockets> sockets_;
  std::map<std::pair<uint64_t, uint64_t>, Pids> mappers_;  // by device and inode
};

// These calls have no deadline of their own: programs break them off by the signal of a timer.
void Namer::LimitFileLocks(size_t process) {
  trace::Process& target = run_->processes[process];
  for (trace::Thread& thread : target.threads) {
    const auto wait = facts_[process].waits.find(thread.tid);
    const int64_t call = wait == facts_[process].waits.end() ? -1 : wait->second.call.syscall;
    if (call != SYS_flock && call != SYS_fcntl && call != SYS_semop) {
      continue;
    }
    const std::optional<SignalMasks> masks = ReadSignalMasks(target.pid);
    thread.wait.timed = thread.wait.timed || (masks && TimerSignals(target.pid, masks->caught) != 0);
  }
}

// A child that ends runs the handler of SIGCHLD, and so may end what its parent could: where all children are
// looked at, they stand beside it, and else somebody outside may.
void Namer::NameSignals(Index process) {
  trace::Process& target = run_->processes[static_cast<size_t>(process)];
  const std::optional<SignalMasks> masks = ReadSignalMasks(target.pid);
  const uint64_t caught = masks ? masks->caught : ~uint64_t{0};
  target.caught_signals =
      HelpfulSignals(caught, facts_[static_cast<size_t>(process)].blocked_signals, target.modules);
  target.service_signals = ServiceSignals(target.pid, target.caught_signals);
  if ((target.caught_signals & SignalBit(SIGCHLD)) == 0) {
    return;
  }
  const Pids children = Children(static_cast<size_t>(process), -1);
  if (!children || !std::all_of(children->begin(), children->end(),
                                [this](pid_t child) { return index_.contains(child); })) {
    return;
  }
  target.caught_signals &= ~SignalBit(SIGCHLD);
  for (trace::Wait* wait : handled_[process]) {
    for (const pid_t child : *children) {
      wait->releasers.push_back(index_.at(child));
    }
  }
}

const DescriptorTable& Namer::Table() {
  if (table_ == nullptr) {
    table_ = std::make_unique<DescriptorTable>([this](pid_t pid) { return surroundings_.Counts(pid); });
  }
  return *table_;
}

Namer::Pids Namer::Children(size_t process, int64_t which) {
  if (!by_parent_) {
    by_parent_.emplace();
    for (ProcStat& stat : ListProcesses()) {
      by_parent_->emplace(stat.ppid, std::move(stat));
    }
  }
  std::vector<pid_t> children;
  const auto [first, last] = by_parent_->equal_range(run_->processes[process].pid);
  for (auto entry = first; entry != last; ++entry) {
    const ProcStat& child = entry->second;
    // One that has ended ends the wait at once.
    if (child.IsZombie() && (which == -1 || which == child.pid)) {
      return std::nullopt;
    }
    if (which == -1 || which == child.pid) {
      children.push_back(child.pid);
    }
  }
  return children;
}

// Everybody who maps the same file or shared memory now.
Namer::Pids Namer::WithMapping(const Mapping& own) {
  const auto [known, is_new] = mappers_.try_emplace({own.device, own.inode});
  if (!is_new) {
    return known->second;
  }
  std::vector<pid_t> pids;
  for (const pid_t pid : ListPids()) {
    const std::optional<std::string> maps = ReadProcFile(pid, "maps");
    if (!maps && (errno == EACCES || errno == EPERM) && surroundings_.Counts(pid)) {
      return known->second;
    }
    const std::vector<Mapping> mappings = ParseMaps(maps.value_or(""));
    if (std::any_of(mappings.begin(), mappings.end(), [&own](const Mapping& mapping) {
          return mapping.inode == own.inode && mapping.device == own.device;
        })) {
      pids.push_back(pid);
    }
  }
  known->second = std::move(pids);
  return known->second;
}

Namer::Pids Namer::AtDescriptor(size_t process, const TaskWait& call) {
  const pid_t pid = run_->processes[process].pid;
  if (IsPoll(call.syscall)) {
    return AtPoll(process, call);
  }
  const auto number = static_cast<int>(call.args[0]);
  if (LocksFile(call.syscall)) {
    const std::optional<OpenFile> file = ReadOpenFile(pid, number);
    return file && !surroundings_.given.contains(DescriptorTarget(pid, number))
               ? WhoHave(file->id, HoldsFileLock)
               : std::nullopt;
  }
  const Polled way{number, IsRead(call.syscall), Writes(call.syscall)};
  Pids pids = way.reads || way.writes ? AtFile(pid, way) : std::nullopt;
  // Its options are asked last: for that moment gordian has the socket open too.
  return pids && IsSocket(DescriptorTarget(pid, number)) && HasTimeout(pid, number, way.reads).value_or(true)
             ? std::nullopt
             : pids;
}

// Who could let a thread read from, or write to, what it has open.
Namer::Pids Namer::AtFile(pid_t pid, const Polled& way) {
  const std::optional<OpenFile> file = ReadOpenFile(pid, way.number);
  const std::string target = DescriptorTarget(pid, way.number);
  if (!file || surroundings_.given.contains(target)) {
    return std::nullopt;
  }
  if (S_ISSOCK(file->mode)) {
    return AtSocket(file->id);
  }
  if (!S_ISFIFO(file->mode)) {
    return std::nullopt;
  }
  // Anybody may open what has a name, to write: programs keep such a FIFO to be told something by it. Nobody
  // comes to read what others are to read.
  const bool named = target.starts_with("/") && file->links != 0;
  if (way.reads) {
    return named ? std::nullopt : WhoHave(file->id, IsWritable);
  }
  return WhoHave(file->id, IsReadable);
}

// Whoever can end the wait for one of them; any thread of the process may add one, or close it.
Namer::Pids Namer::AtPoll(size_t process, const TaskWait& call) {
  const pid_t pid = run_->processes[process].pid;
  const auto polled = PolledBy(pid, call, ProcessMemory(pid));
  // Of nothing at all it is a pause, that a signal is to end.
  if (!polled || polled->empty()) {
    return std::nullopt;
  }
  std::vector<pid_t> all = {pid};
  for (const Polled& way : *polled) {
    const Pids pids = AtFile(pid, way);
    if (!pids) {
      return std::nullopt;
    }
    all.insert(all.end(), pids->begin(), pids->end());
  }
  return all;
}

// Each end can be written to, closed or shut down by all who have it.
Namer::Pids Namer::AtSocket(const FileId& own) {
  if (sockets_ == nullptr) {
    sockets_ = std::make_unique<UnixSockets>();
  }
  const std::optional<uint64_t> peer = sockets_->PeerOf(own.inode);
  Pids pids = peer ? WhoHave(own, IsReadable) : std::nullopt;
  const Pids others = peer ? WhoHave({own.device, *peer}, IsReadable) : std::nullopt;
  if (!pids || !others || others->empty()) {
    return std::nullopt;
  }
  pids->insert(pids->end(), others->begin(), others->end());
  return pids;
}

Namer::Pids Namer::WhoHave(const FileId& file, bool (*helps)(const Descriptor&)) {
  if (!Table().complete()) {
    return std::nullopt;
  }
  std::vector<pid_t> pids;
  for (const Descriptor& descriptor : Table().OpenOn(file)) {
    if (helps(descriptor)) {
      pids.push_back(descriptor.pid);
    }
  }
  return pids;
}

void Namer::NameFileLockHolders(size_t process, const WaitFacts& facts, trace::Wait* wait) {
  const std::optional<OpenFile> file =
      LocksFile(facts.call.syscall)
          ? ReadOpenFile(run_->processes[process].pid, static_cast<int>(facts.call.args[0]))
          : std::nullopt;
  bool all_inherited = true;
  for (const Descriptor& descriptor : file ? Table().OpenOn(file->id) : std::vector<Descriptor>()) {
    if (HoldsFileLock(descriptor)) {
      wait->held_by += (wait->held_by.empty() ? "" : "; and by ") + DescribeHolder(descriptor);
      const std::optional<InheritedLock> lock = FindInheritedLock(descriptor);
      all_inherited = all_inherited && lock && lock->taker_ended;
    }
  }
  wait->inherited = all_inherited && !wait->held_by.empty();
}

void Namer::NameWait(size_t process, const WaitFacts& facts, trace::Wait* wait) {
  Pids pids;
  bool named = false;
  if (wait->kind == WaitKind::kProcess) {
    const std::optional<int64_t> child = AwaitedChild(facts.call);
    pids = child ? Children(process, *child) : std::nullopt;
  } else if (wait->kind == WaitKind::kCall) {
    pids = AtDescriptor(process, facts.call);
    wait->writes = Writes(facts.call.syscall);
    wait->polls = IsPoll(facts.call.syscall);
    NameFileLockHolders(process, facts, wait);
  } else if (facts.is_futex) {
    const Mapping* mapping = facts_[process].space->MappingAt(facts.address);
    // Many calls say "shared" of memory that is not: nobody else can wake them by it.
    if (!facts.shared || (mapping != nullptr && !mapping->shared)) {
      pids.emplace({run_->processes[process].pid});
    } else if (mapping != nullptr && mapping->inode != 0) {
      pids = WithMapping(*mapping);
      named = HasName(*mapping);
    }
  }
  // Nobody at all: the wait is about to end, or what it waits for was not understood.
  if (!pids || pids->empty()) {
    return;
  }
  std::set<Index> releasers;
  bool all_known = true;
  for (const pid_t pid : *pids) {
    const auto known = index_.find(pid);
    if (known == index_.end()) {
      partners_.insert(pid);
    }
    all_known = all_known && known != index_.end() && !helped_[static_cast<size_t>(known->second)];
    if (all_known) {
      releasers.insert(known->second);
    }
  }
  if (!all_known) {
    return;
  }
  wait->releasers.assign(releasers.begin(), releasers.end());
  if (HandlerCanEnd(*wait, facts.call)) {
    for (const Index releaser : releasers) {
      handled_[releaser].push_back(wait);
    }
  }
  wait->named = named;
}

}  // namespace

std::optional<int64_t> AwaitedChild(const TaskWait& wait) {
  int64_t child = 0;
  if (wait.syscall == SYS_wait4) {
    child = static_cast<int32_t>(wait.args[0]);
  } else if (wait.syscall == SYS_waitid && wait.args[0] == P_ALL) {
    child = -1;
  } else if (wait.syscall == SYS_waitid && wait.args[0] == P_PID) {
    child = static_cast<int32_t>(wait.args[1]);
  }
  // Of a group, any member would do.
  return child > 0 || child == -1 ? std::optional(child) : std::nullopt;
}

// Init has no end of anybody's pipe and maps nobody's memory, and is often out of sight.
bool Surroundings::Counts(pid_t pid) const { return family ? family->contains(pid) : pid != 1; }

bool MayHaveReleasers(pid_t pid, const TaskWait& wait, const Surroundings& surroundings) {
  if (!wait.readable || wait.running || IsTimed(wait)) {
    return false;
  }
  if (IsFutexWait(wait)) {
    return true;
  }
  switch (wait.syscall) {
    case SYS_wait4:
    case SYS_waitid:
      return AwaitedChild(wait).has_value();
    case SYS_flock:
    case SYS_fcntl:
      return true;
    default:
      break;
  }
  if (IsPoll(wait.syscall)) {
    const auto polled = PolledBy(pid, wait, ProcessMemory(pid));
    return polled && !polled->empty() && std::all_of(polled->begin(), polled->end(), [&](const Polled& way) {
             return LeadsToProcesses(pid, way.number, surroundings);
           });
  }
  return (IsRead(wait.syscall) || Writes(wait.syscall)) &&
         LeadsToProcesses(pid, static_cast<int>(wait.args[0]), surroundings);
}

std::set<pid_t> NameReleasers(const std::vector<ProcessFacts>& facts, const Surroundings& surroundings,
                              trace::Run* run) {
  Namer namer(facts, surroundings, run);
  namer.Name();
  return namer.partners();
}

}  // namespace gordian::inspect
