// Finds threads that sleep at a futex that no hook announced: in a lock of the C library's own (the loader's,
// a stream's), or in a runtime that calls the kernel by itself. Where such a thread is part of a deadlock,
// the slots of the trace do not show it; who finds one asks the inspector.
//
// Asks the kernel only about threads whose slot says that they wait for nothing, or for a bare futex, and did
// not change since the look before.
//
// Thread safety: none; one instance a traced process image.
#ifndef GORDIAN_CLI_WATCH_UNANNOUNCED_H_
#define GORDIAN_CLI_WATCH_UNANNOUNCED_H_

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "libsync/inspect/proc.h"
#include "libsync/trace/reader.h"

namespace gordian::cli {

class UnannouncedWatch {
 public:
  // One look. `outer_tid`: our name for a thread of the trace, 0 where none is known.
  void Look(pid_t pid, const std::vector<trace::SlotSnapshot>& slots,
            const std::function<pid_t(int32_t tid)>& outer_tid, uint64_t now_ns);

  // Who has slept so for 200 ms or longer; empty: nobody.
  std::string Picture(uint64_t now_ns) const;

 private:
  struct Sleeper {
    trace::SlotSnapshot slot;
    inspect::TaskWait wait;
    uint64_t switches = 0;
    uint64_t since_ns = 0;
    bool asleep = false;  // at a futex, without a timeout
  };
  static void Ask(pid_t pid, pid_t tid, Sleeper* sleeper);

  std::map<int32_t, Sleeper> sleepers_;  // by tid
  uint64_t next_look_ns_ = 0;
};

}  // namespace gordian::cli

#endif  // GORDIAN_CLI_WATCH_UNANNOUNCED_H_
