// Says of processes that left no trace why that is: what a report could not see belongs into it.
//
// Thread safety: none.
#ifndef GORDIAN_CLI_WATCH_UNSEEN_H_
#define GORDIAN_CLI_WATCH_UNSEEN_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/options.h"
#include "cli/watch/process_tree.h"
#include "cli/watch/trace_set.h"

namespace gordian::cli {

// Why the shim cannot work in this program file, half a sentence; empty: it can.
std::string WhyNotRecordable(const std::string& program);

class UnseenProcesses {
 public:
  UnseenProcesses(const Options* options, std::string shim) : options_(options), shim_(std::move(shim)) {}

  // CMD, to which --no-children does not apply.
  void SetRoot(const ProcessId& root) { root_ = root; }
  // Looks at living processes that are old enough to have a trace and have none.
  void Look(uint64_t now_ns, const TraceSet& traces, ProcessTree* tree) const;
  // The same for one that exec'd `program` and is gone. `creator`: the program of who started it, where that
  // is known. `status`: as wait(2) gave it, where anybody knows.
  std::string WhyGone(const ProcessId& id, const std::string& program, const std::string& creator,
                      std::optional<int32_t> status) const;

 private:
  std::string WhyLiving(const SeenProcess& process, const ProcessTree& tree) const;
  std::string LeftOut(const std::string& program, bool is_root) const;

  const Options* options_;
  std::string shim_;
  ProcessId root_{0, 0};
};

}  // namespace gordian::cli

#endif  // GORDIAN_CLI_WATCH_UNSEEN_H_
