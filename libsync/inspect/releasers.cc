#include "libsync/inspect/releasers.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "libsync/inspect/calls.h"
#include "libsync/inspect/descriptors.h"
#include "libsync/inspect/words.h"
#include "libsync/trace/interpreters.h"

namespace gordian::inspect {
namespace {

using trace::Index;
using trace::WaitKind;

constexpr uint64_t SignalBit(int signal) { return uint64_t{1} << (signal - 1); }
// glibc's own, for pthread_cancel and for setuid in all threads: their handlers wake nobody.
constexpr uint64_t kLibrarySignals = SignalBit(32) | SignalBit(33);

bool Reads(int64_t call) {
  return call == SYS_read || call == SYS_readv || call == SYS_recvfrom || call == SYS_recvmsg;
}

bool Writes(int64_t call) {
  return call == SYS_write || call == SYS_writev || call == SYS_sendto || call == SYS_sendmsg;
}

bool LocksFile(int64_t call) { return call == SYS_flock || call == SYS_fcntl; }

class Namer {
 public:
  Namer(const std::vector<ProcessFacts>& facts, trace::Run* run) : facts_(facts), run_(run) {
    for (size_t p = 0; p < run->processes.size(); ++p) {
      index_[run->processes[p].pid] = static_cast<Index>(p);
    }
  }

  void Name() {
    for (size_t p = 0; p < facts_.size(); ++p) {
      run_->processes[p].caught_signals = CaughtSignals(run_->processes[p]);
      helped_.push_back(facts_[p].traced || HasKernelHelper(p));
    }
    for (size_t p = 0; p < facts_.size(); ++p) {
      for (trace::Thread& thread : run_->processes[p].threads) {
        const auto facts = facts_[p].waits.find(thread.tid);
        if (thread.settled && !thread.wait.timed && facts != facts_[p].waits.end()) {
          NameWait(p, facts->second, &thread.wait);
        }
      }
    }
  }

 private:
  using Pids = std::optional<std::vector<pid_t>>;

  static uint64_t CaughtSignals(const trace::Process& process);
  bool HasKernelHelper(size_t process) const;
  void NameWait(size_t process, const WaitFacts& facts, trace::Wait* wait);
  Pids Candidates(size_t process, const WaitFacts& facts, const trace::Wait& wait);
  Pids Children(size_t process, int64_t which) const;
  Pids WithMapping(size_t process, uint64_t address);
  Pids AtDescriptor(size_t process, const WaitFacts& facts);
  const DescriptorTable& Table();

  const std::vector<ProcessFacts>& facts_;
  trace::Run* run_;
  std::map<pid_t, Index> index_;
  std::vector<bool> helped_;
  std::unique_ptr<DescriptorTable> table_;
  std::map<std::pair<uint64_t, uint64_t>, Pids> mappers_;  // by device and inode
};

// CPython's handler of SIGINT is always there and only breaks the program off. It is no way out of a
// standstill of several threads; one thread alone may well wait for it.
uint64_t Namer::CaughtSignals(const trace::Process& process) {
  const std::optional<SignalMasks> masks = ReadSignalMasks(process.pid);
  uint64_t caught = masks ? masks->caught & ~kLibrarySignals : ~uint64_t{0};
  const bool interpreter =
      std::any_of(process.modules.begin(), process.modules.end(),
                  [](const trace::Module& module) { return trace::IsInterpreter(module.path); });
  if (interpreter && process.threads.size() > 1) {
    caught &= ~SignalBit(SIGINT);
  }
  return caught;
}

// The kernel itself may wake threads: by io_uring, by asynchronous I/O.
bool Namer::HasKernelHelper(size_t process) const {
  const std::vector<Mapping>& mappings = facts_[process].space->mappings;
  return std::any_of(mappings.begin(), mappings.end(), [](const Mapping& mapping) {
    return mapping.path.starts_with("/[aio]") || mapping.path.find("[io_uring]") != std::string::npos;
  });
}

const DescriptorTable& Namer::Table() {
  if (table_ == nullptr) {
    table_ = std::make_unique<DescriptorTable>();
  }
  return *table_;
}

Namer::Pids Namer::Children(size_t process, int64_t which) const {
  std::vector<pid_t> children;
  for (const ProcStat& child : inspect::Children({run_->processes[process].pid})) {
    // One that has ended ends the wait at once; who waits for some group is not looked at more closely.
    if (child.IsZombie() || which == 0 || which < -1) {
      return std::nullopt;
    }
    if (which == -1 || which == child.pid) {
      children.push_back(child.pid);
    }
  }
  return children;
}

// Everybody who maps the same file or shared memory now.
Namer::Pids Namer::WithMapping(size_t process, uint64_t address) {
  const Mapping* own = facts_[process].space->MappingAt(address);
  if (own == nullptr || !own->shared || own->inode == 0) {
    return std::nullopt;
  }
  const auto [known, is_new] = mappers_.try_emplace({own->device, own->inode});
  if (!is_new) {
    return known->second;
  }
  std::vector<pid_t> pids;
  for (const pid_t pid : ListPids()) {
    const std::optional<std::string> maps = ReadProcFile(pid, "maps");
    // Init shares nobody's memory, and is often out of sight.
    if (!maps && pid != 1 && (errno == EACCES || errno == EPERM)) {
      return known->second;
    }
    const std::vector<Mapping> mappings = ParseMaps(maps.value_or(""));
    if (std::any_of(mappings.begin(), mappings.end(), [own](const Mapping& mapping) {
          return mapping.inode == own->inode && mapping.device == own->device;
        })) {
      pids.push_back(pid);
    }
  }
  known->second = std::move(pids);
  return known->second;
}

Namer::Pids Namer::AtDescriptor(size_t process, const WaitFacts& facts) {
  const int64_t call = facts.call.syscall;
  const pid_t pid = run_->processes[process].pid;
  const auto number = static_cast<int>(facts.call.args[0]);
  const std::string target = DescriptorTarget(pid, number);
  const bool pipe = target.starts_with("pipe:");
  if (target.empty() || !((pipe && (Reads(call) || Writes(call))) || LocksFile(call)) ||
      !Table().complete()) {
    return std::nullopt;
  }
  std::vector<pid_t> pids;
  for (const Descriptor& descriptor : Table().OpenOn(target)) {
    const bool helps = LocksFile(call) ? HoldsFileLock(descriptor)
                       : Reads(call)   ? IsWritable(descriptor)
                                       : IsReadable(descriptor);
    if (helps) {
      pids.push_back(descriptor.pid);
    }
  }
  return pids;
}

Namer::Pids Namer::Candidates(size_t process, const WaitFacts& facts, const trace::Wait& wait) {
  if (wait.kind == WaitKind::kProcess) {
    // waitid names its child by a kind of number that is not known here.
    return facts.call.syscall == SYS_wait4 ? Children(process, wait.value) : std::nullopt;
  }
  if (wait.kind == WaitKind::kCall) {
    return AtDescriptor(process, facts);
  }
  if (!facts.is_futex) {
    return std::nullopt;
  }
  return facts.shared ? WithMapping(process, facts.address)
                      : Pids(std::vector<pid_t>{run_->processes[process].pid});
}

void Namer::NameWait(size_t process, const WaitFacts& facts, trace::Wait* wait) {
  const Pids pids = Candidates(process, facts, *wait);
  // Nobody at all: the wait is about to end, or what it waits for was not understood.
  if (!pids || pids->empty()) {
    return;
  }
  std::set<Index> releasers;
  for (const pid_t pid : *pids) {
    const auto known = index_.find(pid);
    if (known == index_.end() || helped_[static_cast<size_t>(known->second)]) {
      return;
    }
    releasers.insert(known->second);
  }
  wait->releasers.assign(releasers.begin(), releasers.end());
}

}  // namespace

void NameReleasers(const std::vector<ProcessFacts>& facts, trace::Run* run) { Namer(facts, run).Name(); }

}  // namespace gordian::inspect
