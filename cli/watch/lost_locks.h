// What processes that did not end by themselves left locked for the others: kept as long as the run lasts,
// since somebody may come for it at any time.
//
// Thread safety: none.
#ifndef GORDIAN_CLI_WATCH_LOST_LOCKS_H_
#define GORDIAN_CLI_WATCH_LOST_LOCKS_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "cli/watch/trace_set.h"
#include "libsync/trace/run.h"

namespace gordian::cli {

class LostLocks {
 public:
  // Takes the images that ended since the last call; `ended` only grows.
  void Learn(const std::deque<trace::Process>& ended);

  bool IsEmpty() const { return holders_.empty(); }
  // Those that left something locked, among the first `count` of `ended`.
  std::vector<trace::Process> Holders(const std::deque<trace::Process>& ended, size_t count) const;
  // What of it the process of this trace knows.
  const std::set<trace::Ref>& In(const LiveTrace& trace, TraceSet* traces);

 private:
  struct Known {
    uint64_t facts = 0;
    size_t holders = 0;
    std::set<trace::Ref> refs;
  };

  size_t learnt_ = 0;
  std::vector<size_t> holders_;
  std::set<trace::SharedIdentity> lost_;
  // Somebody posted it who did not hold it: nobody's lock, though the trace that says so may be read no more.
  std::set<trace::SharedIdentity> handed_over_;
  std::map<std::string, Known> known_;  // by trace path
};

}  // namespace gordian::cli

#endif  // GORDIAN_CLI_WATCH_LOST_LOCKS_H_
