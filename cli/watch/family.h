// Which processes belong to a run: everything below an ancestor, and what is named besides.
//
// Walks down through the kernel's lists of children, which costs by the size of the family and not of the
// machine; where a kernel has no such lists it reads all of /proc. A process stays in the family when its
// parent is gone and it hangs on init or a subreaper.
//
// Thread safety: none.
#ifndef GORDIAN_CLI_WATCH_FAMILY_H_
#define GORDIAN_CLI_WATCH_FAMILY_H_

#include <sys/types.h>

#include <map>
#include <set>
#include <vector>

#include "cli/watch/process_id.h"

namespace gordian::cli {

class Family {
 public:
  // `ancestor`: not a member itself; 0: there is none. `not_ours` are no members, nor is what is below them.
  Family(pid_t ancestor, std::set<pid_t> not_ours);

  void Add(const ProcessId& id) { members_.insert(id); }
  bool IsOutside(pid_t pid) const { return not_ours_.contains(pid); }

  // The members that exist now, zombies included, in no order.
  std::vector<ProcStat> Look();

 private:
  using Stats = std::map<pid_t, ProcStat>;
  Stats Walk() const;
  Stats Search() const;

  pid_t ancestor_;
  std::set<pid_t> not_ours_;
  bool has_lists_;  // of children, in /proc/PID/task/TID/children
  std::set<ProcessId> members_;
};

}  // namespace gordian::cli

#endif  // GORDIAN_CLI_WATCH_FAMILY_H_
