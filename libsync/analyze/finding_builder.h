// What detectors build Findings with: parts without repetition, groups with a count, and the words for
// things.
//
// Thread safety: none.
#ifndef GORDIAN_LIBSYNC_ANALYZE_FINDING_BUILDER_H_
#define GORDIAN_LIBSYNC_ANALYZE_FINDING_BUILDER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "libsync/analyze/finding.h"

namespace gordian::analyze {

// Begins a finding of `rule` about one process (kNoIndex: one without a trace), with the rule's level and
// confidence.
class FindingBuilder {
 public:
  FindingBuilder(const char* rule, const trace::Run& run, Index process);

  Finding& finding() { return finding_; }

  // What is added from now on is of this process.
  FindingBuilder& In(Index process);

  // Index of the part in the finding; the same thing is added once, also where several processes share it. -1
  // for kNoIndex.
  int AddLock(Index lock);
  int AddThread(Index thread);
  // The process itself, all its images once.
  int AddProcess();

  void AddHeld(int thread, const trace::Holding& held);
  void AddStep(int thread, std::string action, int lock, Index stack);
  void AddCondition(const char* name, std::string because);
  void AddIdentity(Index stack);
  StackAt Stack(Index stack) const;

 private:
  LockPart BestRecord(Index lock) const;

  const trace::Run& run_;
  const trace::Process* process_;
  Index process_index_;
  Finding finding_;
};

// Many instances of one thing are one finding with a count. REQUIRES: between two calls of Again nothing but
// the finding that the first asked for is appended to `findings`.
class FindingGroups {
 public:
  explicit FindingGroups(std::vector<Finding>* findings) : findings_(findings) {}

  // True: a finding with this key stands already, and counts one more. False: the caller appends it now.
  bool Again(const std::string& key) { return Known(key) != nullptr; }
  // The same, with the finding that stands; null for none.
  Finding* Known(const std::string& key);

 private:
  std::vector<Finding>* findings_;
  absl::flat_hash_map<std::string, size_t> known_;
};

// "{lock:3}" and so on.
std::string LockName(int lock);
std::string ThreadName(int thread);
std::string ProcessName(int process);

// "mutex", "rwlock" ...; "lock" where the kind is not known.
const char* KindWord(trace::LockKind kind);
// "fork()", "posix_spawn()" ...
const char* HowWord(trace::ChildHow how);
// The call that ended the process: "exit()" ...; empty for none.
const char* EndWord(trace::End end);
// What a step does that takes a lock.
const char* TakeWord(trace::Mode mode);
// "350 ms", "12.5 s".
std::string Milliseconds(uint64_t ms);
// The command line of a process, its executable where that is not known.
std::string CommandOf(const trace::Process& process);
// "3 threads": the number and the word, with an s if needed.
std::string Counted(uint64_t count, const char* word);
// "SIGHUP", "SIGHUP or SIGTERM"; bit N-1 stands for signal N.
std::string SignalNames(uint64_t signals);
// Where a ring must begin to read the smallest: the same for every rotation of it.
size_t SmallestRotation(const std::vector<std::string>& items);

}  // namespace gordian::analyze

#endif  // GORDIAN_LIBSYNC_ANALYZE_FINDING_BUILDER_H_
