// The traces of one run: which are there, which images still run, and what became of those that ended.
// The trace of an ended image is read, copied to the kept run if one is asked for, and unlinked, so that ten
// thousand short processes fit a small tmpfs.
//
// Thread safety: none.
#ifndef GORDIAN_CLI_WATCH_TRACE_SET_H_
#define GORDIAN_CLI_WATCH_TRACE_SET_H_

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "cli/watch/process_tree.h"
#include "libsync/trace/reader.h"

namespace gordian::cli {

struct LiveTrace {
  std::string path;
  bool any_owner = false;      // from the drop folder
  trace::FileHeader header{};  // as of the last look
  bool foreign_pids = false;   // of another pid namespace: header.pid means nothing here
  pid_t pid = 0;               // in our pid namespace; 0 unknown
  uint64_t exec_seen_ns = 0;   // since when the header says kExec
  uint64_t first_seen_ns = 0;
};

class TraceSet {
 public:
  TraceSet(std::string run, std::string drop, std::string out);

  // Reads the folders and the headers again.
  void Look(uint64_t now_ns, const ProcessTree& tree);
  // Takes the traces of ended images out of the folders; returns how many. `all`: nothing writes any more.
  size_t FoldEnded(uint64_t now_ns);

  const std::map<std::string, LiveTrace>& live() const { return live_; }
  const std::deque<trace::Process>& ended() const { return ended_; }
  // Reads one trace as it is now; one that cannot be read is named in lost().
  std::optional<trace::Process> Read(const LiveTrace& trace);
  std::deque<trace::Process> TakeEnded() { return std::exchange(ended_, {}); }
  // Names the traces whose headers never became whole.
  void GiveUpUnreadable();
  // Copies what still runs to the kept run.
  void CopyLive();
  // What went wrong, one sentence each.
  const std::vector<std::string>& lost() const { return lost_; }

  // The live trace of this process's newest image.
  const LiveTrace* FindLive(pid_t pid) const;
  // An image of this process left a trace, now or earlier.
  bool WasTraced(const ProcessId& id) const { return newest_image_ns_.contains(id); }
  bool WasTracedPid(pid_t pid) const;
  // Whether the trace is of another pid namespace.
  bool IsForeign(const std::string& trace_file) const { return foreign_traces_.contains(trace_file); }
  // This program left a trace in another pid namespace, whose pids tell nothing here.
  bool WasTracedElsewhere(const std::string& program) const;
  // The shim said itself that it could not record this process.
  bool SaidLost(pid_t pid) const;
  // No image of this process that began after `start_ns` left a trace.
  bool IsNewestImage(const ProcessId& id, uint64_t start_ns) const;
  // All processes that have a trace in the folders now.
  std::vector<ProcessId> LiveProcesses() const;

 private:
  void LookAt(const std::string& path, bool any_owner, uint64_t now_ns, const ProcessTree& tree);
  bool HasEnded(LiveTrace* trace, uint64_t now_ns) const;
  void Fold(LiveTrace* trace);
  void Keep(const LiveTrace& trace);
  void Lose(const std::string& path, const std::string& why);

  std::string run_, drop_, out_;
  uint64_t own_pid_namespace_;
  std::map<std::string, LiveTrace> live_;  // by path
  std::deque<trace::Process> ended_;
  std::map<ProcessId, uint64_t> newest_image_ns_;  // when the newest image that left a trace began
  std::set<std::string> foreign_programs_;
  std::set<std::string> foreign_traces_;
  std::set<std::string> unreadable_;
  std::vector<std::string> lost_;
};

}  // namespace gordian::cli

#endif  // GORDIAN_CLI_WATCH_TRACE_SET_H_
