// What a fork left out: a child has the memory of its parent as it was, and only the thread that forked. What
// the parent's other threads held stays held in it, and what they would have done does not come.
//
// Thread safety: functions without shared state.
#ifndef GORDIAN_LIBSYNC_ANALYZE_FORK_CAUSE_H_
#define GORDIAN_LIBSYNC_ANALYZE_FORK_CAUSE_H_

#include <cstdint>
#include <optional>
#include <string>

#include "libsync/analyze/finding_builder.h"
#include "libsync/trace/run.h"

namespace gordian::analyze {

struct ForkCause {
  Index process = kNoIndex;  // the child
  Index parent = kNoIndex;
  Index record = kNoIndex;  // of the fork, in the parent's children
};

// The fork that made a process which goes on in its parent's memory; nullopt where it is not known, where the
// process called exec, and where the parent had no thread but the one that forked.
std::optional<ForkCause> FindFork(const trace::Run& run, Index process);

// What to do about it.
extern const char kForkFix[];

// Says in one or two sentences how the child came to wait for `lock` of its own (kNoIndex: for a word at
// `address`), and adds the processes, the thread that held it and its steps to the finding.
std::string ExplainFork(const trace::Run& run, const ForkCause& cause, Index lock, uint64_t address,
                        FindingBuilder* builder);

}  // namespace gordian::analyze

#endif  // GORDIAN_LIBSYNC_ANALYZE_FORK_CAUSE_H_
