// Decides which threads of a process stand still for good: two looks, at least 200 ms apart, at its slots and
// at the kernel's view of its tasks, with nothing moved in between.
//
// Thread safety: none; one instance a traced process image.
#ifndef GORDIAN_CLI_WATCH_SETTLE_H_
#define GORDIAN_CLI_WATCH_SETTLE_H_

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "cli/watch/trace_set.h"
#include "libsync/trace/reader.h"
#include "libsync/trace/run.h"

namespace gordian::cli {

class SettleWatch {
 public:
  // One look. True: threads have settled into a picture that may be a deadlock and that Look() did not
  // return true for before; the caller then reads the trace, calls Apply() and judges. `lost` as in
  // FindStalled().
  bool Look(const LiveTrace& trace, const std::vector<trace::SlotSnapshot>& slots,
            const std::set<trace::Ref>& lost, uint64_t now_ns);

  // Marks the settled threads in a fresh reading of the trace, if they still have not moved.
  void Apply(trace::Process* process) const;

  // Our name for a thread of the trace as of the last look; 0: none is known.
  pid_t OuterTid(int32_t tid) const;

 private:
  // What the kernel says of a sleeping thread; equal at two looks: it did not move in between.
  struct Task {
    char state = '?';
    uint64_t switches = 0;
    uint64_t cpu_ticks = 0;
    uint64_t futex = 0;  // the address it waits at; 0: it waits for something else, or unknown
    bool operator==(const Task&) const = default;
  };
  struct Sample {
    Task task;
    trace::SlotSnapshot slot;
    uint64_t since_ns = 0;  // unchanged since this look
    bool settled = false;
  };
  void MapTids();
  bool Exists(int32_t tid) const;
  std::optional<Task> ReadTask(int32_t tid) const;
  // The task of a slot that waits; nullopt: it runs.
  std::optional<Task> ReadWaiter(const trace::SlotRecord& slot) const;
  std::vector<bool> Unchanged(const std::vector<trace::SlotSnapshot>& slots) const;
  void TakeSamples(const std::vector<trace::SlotSnapshot>& slots, const std::vector<bool>& stalled,
                   uint64_t now_ns);
  void Settle(trace::Process* process, trace::Thread* thread) const;
  std::string Signature(const std::vector<trace::SlotSnapshot>& slots) const;

  pid_t pid_ = 0;
  bool foreign_pids_ = false;
  std::map<int32_t, pid_t> outer_tids_;          // of a foreign pid namespace
  std::map<int32_t, trace::SlotSnapshot> last_;  // by tid
  std::map<int32_t, Sample> samples_;            // by tid; stalled threads only
  std::set<std::string> judged_;
};

}  // namespace gordian::cli

#endif  // GORDIAN_CLI_WATCH_SETTLE_H_
