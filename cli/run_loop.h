// The life of one run after CMD was started: waits for signals, ended children, the watcher's next look and
// the deadlines of --dump-after, --kill-after and --grace-ms, until the run is over.
//
// Thread safety: none; gordian has one thread.
#ifndef GORDIAN_CLI_RUN_LOOP_H_
#define GORDIAN_CLI_RUN_LOOP_H_

#include <cstdint>
#include <vector>

#include "cli/exit_code.h"
#include "cli/options.h"
#include "cli/outputs.h"
#include "cli/signals.h"
#include "cli/watch/watcher.h"

namespace gordian::cli {

class RunLoop {
 public:
  RunLoop(const Options& options, Watcher* watcher, Sentinel* sentinel, const Outputs* outputs);
  ~RunLoop();
  RunLoop(const RunLoop&) = delete;

  // Returns when CMD has ended and its descendants have, or the grace time is over.
  void Run();

  int root_status() const { return root_status_; }  // as wait(2) gives it
  EndedBy ended_by() const { return ended_by_; }

 private:
  // A process that was told to end, and when it is killed.
  struct Stuck {
    ProcessId id;
    uint64_t kill_ns;  // UINT64_MAX: it was
  };

  void Wait(uint64_t until_ns) const;
  void TakeSignals();
  void ReapChildren();
  void ReapOne(pid_t pid);
  void FollowStop();
  void FireDeadlines(uint64_t now_ns);
  void OnHanging();
  void EndStuck(const ProcessId& id);
  void EndTree(EndedBy why, const ProcessId& first, int first_signal, uint64_t patience_ns);
  void ContinueEnding(uint64_t now_ns);
  bool HasDescendants() const;
  bool Over(uint64_t now_ns) const;
  uint64_t NextWake() const;

  const Options& options_;
  Watcher* watcher_;
  Sentinel* sentinel_;
  const Outputs* outputs_;
  SignalForwarder forwarder_;
  int signal_fd_ = -1;

  uint64_t start_ns_;
  uint64_t dump_ns_ = UINT64_MAX;  // deadlines; UINT64_MAX: none
  uint64_t kill_ns_ = UINT64_MAX;
  uint64_t kill_all_ns_ = UINT64_MAX;  // the tree is being ended: from when on with SIGKILL
  std::vector<Stuck> stuck_;
  ProcessId first_ended_{0, 0};  // the process that is ended before the others
  uint64_t ended_ns_ = 0;        // when CMD ended; 0: it runs
  int root_status_ = 0;
  bool tells_of_choice_ = true;  // that a hang could have been ended
  bool grace_over_ = false;      // somebody does not want to wait for what CMD left behind
  EndedBy ended_by_ = EndedBy::kItself;
};

}  // namespace gordian::cli

#endif  // GORDIAN_CLI_RUN_LOOP_H_
