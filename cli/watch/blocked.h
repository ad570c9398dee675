// Finds threads that sleep in input or output while they hold a lock. A hook would cost every read and write;
// so it is told by the looks of it: between two looks a thread that holds something slept in one such call
// and did not wake. Of threads that hold nothing, or moved, nothing is asked. Sleeps that are over within
// some looks are not seen.
//
// Thread safety: none; one instance a traced process image.
#ifndef GORDIAN_CLI_WATCH_BLOCKED_H_
#define GORDIAN_CLI_WATCH_BLOCKED_H_

#include <sys/types.h>

#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "libsync/inspect/proc.h"
#include "libsync/inspect/unwind.h"
#include "libsync/trace/reader.h"
#include "libsync/trace/run.h"

namespace gordian::cli {

// A thread's sleep in a call of input or output; equal at two looks: it did not wake in between.
struct Sleep {
  uint64_t switches = 0;
  inspect::TaskWait wait;
  bool operator==(const Sleep&) const = default;
};
// nullopt: it runs, sleeps elsewhere, or is gone.
std::optional<Sleep> FindSleep(pid_t pid, pid_t tid);

class BlockedWatch {
 public:
  using FindSleepOf = std::function<std::optional<Sleep>(int32_t tid)>;
  using FindStack = std::function<inspect::TaskStack(const inspect::TaskWait& wait)>;

  // Shorter sleeps are no matter.
  explicit BlockedWatch(uint64_t limit_ns) : limit_ns_(limit_ns) {}

  // One look. True: somebody sleeps that nobody knows more of yet; Name() does.
  bool Look(const std::vector<trace::SlotSnapshot>& slots, const FindSleepOf& find_sleep, uint64_t now_ns);
  // Takes from a fresh reading of the trace what those hold, if they still have not moved.
  void Name(const trace::Process& process, const FindSleepOf& find_sleep, const FindStack& find_stack);

  // Nobody was found.
  bool IsEmpty() const { return cases_.empty(); }
  // Adds what was found to the last reading, as the recorder would have told it.
  void AddTo(trace::Process* process) const;

 private:
  // Who slept where in the program, with which lock taken last, and where that was taken.
  struct Place {
    trace::Ref thread = 0;
    int64_t call = 0;
    uint64_t sp = 0;
    trace::Ref lock = 0;
    trace::Ref stack = 0;
    auto operator<=>(const Place&) const = default;
  };
  struct Sample {
    trace::SlotSnapshot slot;
    std::optional<Sleep> sleep;
    uint64_t since_ns = 0;
    bool counted = false;
  };
  // A thread and a lock are found again by what no other has: what has not been used is taken out of a trace,
  // and shifts the indices of others.
  struct Named {
    int32_t tid = 0;
    uint64_t thread_start_ns = 0;
    trace::Lock lock;
    trace::Index acquired = trace::kNoIndex;
    inspect::TaskStack at;
  };
  struct Case {
    uint64_t count = 0;
    uint64_t longest_ns = 0;
    uint64_t time_ns = 0;
    bool asked = false;
    std::optional<Named> named;  // asked, and nullopt: nothing that it holds is worth telling
  };
  static Place PlaceOf(const Sample& sample);
  bool Count(uint64_t now_ns, Sample* sample);

  uint64_t limit_ns_;
  std::map<int32_t, Sample> samples_;  // by tid; threads that hold something and wait for nothing recorded
  std::map<Place, Case> cases_;
};

}  // namespace gordian::cli

#endif  // GORDIAN_CLI_WATCH_BLOCKED_H_
