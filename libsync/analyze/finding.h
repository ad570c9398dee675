// A Finding is a claim about a run: data only, no addresses resolved, nothing formatted.
//
// Texts are templates: {lock:N}, {thread:N} and {process:N} stand for the names of Finding::locks[N] and so
// on, which only the symbolizer knows (reports/), {created:N} for the place where processes[N] was created,
// {wait:N} for the call that threads[N] waits in.
// {c++:WORDS} and {python:WORDS} are words for users of that language alone, {!python:WORDS} for all others.
#ifndef GORDIAN_LIBSYNC_ANALYZE_FINDING_H_
#define GORDIAN_LIBSYNC_ANALYZE_FINDING_H_

#include <cstdint>
#include <string>
#include <vector>

#include "libsync/trace/run.h"

namespace gordian::analyze {

using trace::Index;
using trace::kNoIndex;

enum class Level { kNote, kWarning, kError };
enum class Confidence { kPotential, kConfirmed };

// One rule of the catalogue. Ids are stable and public.
struct Rule {
  const char* id;
  Level level;            // default level
  Confidence confidence;  // default confidence
  const char* title;      // what it means, half a sentence
  const char* help;       // what to do about it in general, one sentence
};

// Everything below names things of Run::processes[process].
struct StackAt {
  Index process = kNoIndex;
  Index stack = kNoIndex;
  bool operator==(const StackAt&) const = default;
};

struct LockPart {
  Index process = kNoIndex;
  Index lock = kNoIndex;
};

struct HeldPart {
  int lock = -1;  // index into Finding::locks
  trace::Mode mode = trace::Mode::kExclusive;
  StackAt stack;
};

struct WaitPart {
  trace::WaitKind kind = trace::WaitKind::kNone;
  int lock = -1;     // into Finding::locks
  int thread = -1;   // into Finding::threads, kJoin
  int process = -1;  // into Finding::processes, kProcess
  bool timed = false;
  StackAt stack;
  std::string note;                            // where none of these says it: "read of fd 5, a pipe"
  trace::Mode mode = trace::Mode::kExclusive;  // of a lock
};

// The role of a thread that waits for what hangs, but is no part of it.
inline constexpr char kStuckBehind[] = "stuck behind it";

struct ThreadPart {
  Index process = kNoIndex;
  Index thread = kNoIndex;
  std::string role;  // its part in this finding: "unlocked it", "holds it", may be empty
  std::vector<HeldPart> holds;
  WaitPart waits;
  StackAt at;  // where it did what the finding is about, if not one of the above
  StackAt created;
};

struct ProcessPart {
  int32_t pid = 0;
  int32_t ppid = 0;
  std::string command;
  std::string state;  // "zombie", "running", "exited 0", "killed by SIGKILL"
  StackAt created;
  std::string created_how;  // "fork", "vfork" ...
  std::string ended;
};

struct Condition {
  std::string name;
  bool holds = true;
  std::string because;  // template
};

struct Step {
  int thread = -1;     // into Finding::threads
  std::string action;  // "lock", "blocks on", "wait", "join"
  int lock = -1;       // into Finding::locks
  StackAt stack;
};

struct Finding {
  const Rule* rule = nullptr;
  Level level = Level::kError;
  Confidence confidence = Confidence::kPotential;
  std::string title;        // template, one line
  std::string explanation;  // template: why this is so, and why it can happen
  std::string fix;          // template: what to change
  std::vector<Condition> conditions;
  std::vector<Step> interleaving;
  std::vector<LockPart> locks;
  std::vector<ThreadPart> threads;
  std::vector<ProcessPart> processes;
  std::vector<std::string> behind;  // everyone stuck behind it, templates
  uint64_t count = 1;               // how many instances this finding stands for
  // The stacks that identify the finding, in an order that does not depend on thread ids or time.
  std::vector<StackAt> identity;
  // What it is about, where neither locks nor places tell: two calls under one lock. Part of the fingerprint.
  std::string subject;
};

}  // namespace gordian::analyze

#endif  // GORDIAN_LIBSYNC_ANALYZE_FINDING_H_
