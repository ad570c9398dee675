// A Report is what every format prints: findings with names, source lines and fingerprints filled in.
// It mirrors the JSON schema gordian.report/1 (docs/report.schema.json) field by field; fields.h lists the
// fields.
#ifndef GORDIAN_REPORTS_REPORT_H_
#define GORDIAN_REPORTS_REPORT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "libsync/analyze/finding.h"
#include "libsync/trace/run.h"

namespace gordian::report {

// Languages of frames.
inline constexpr char kNative[] = "native";
inline constexpr char kPython[] = "python";

struct SourceFrame {
  std::string function;  // demangled; empty when unknown
  std::string file;      // empty when unknown
  int line = 0;          // 0 unknown
  std::string module;    // path of the object
  uint64_t offset = 0;   // address in the object's file, as addr2line takes it
  std::string language = kNative;
  bool inlined = false;
  bool inexact = false;  // found by a search on the stack
  bool wrapper = false;  // only locks on behalf of its caller
};
using Frames = std::vector<SourceFrame>;

struct ReportLock {
  std::string id;    // "L1"
  std::string name;  // static symbol, the user's name, or a description ("mutex created at cache.cc:12")
  std::string kind;  // "mutex", "recursive mutex" ...
  std::string lock_class;  // what makes two instances the same class, stable over rebuilds
  uint64_t address = 0;
  Frames created;
};

struct ReportHeld {
  std::string lock;  // ReportLock::id
  std::string mode;  // "exclusive" | "shared"
  Frames stack;
};

struct ReportWait {
  std::string target;  // id of a lock, "T2", or "pid 12"
  std::string kind;    // "lock", "condition", "join", "process"; empty: waits for nothing
  Frames stack;
  std::string note = "";  // the call, where there is no target
  std::string mode = "";  // of a lock: "shared", or empty
};

struct ReportThread {
  std::string id;  // "T1"
  int32_t pid = 0;
  int32_t tid = 0;
  std::string name;
  std::string role;
  std::vector<ReportHeld> holds;
  ReportWait waits;
  Frames at;
  Frames created;
};

struct ReportProcess {
  int32_t pid = 0;
  int32_t ppid = 0;
  std::string command;
  std::string state;
  std::string created_how;
  Frames created;
  std::string ended;
};

struct ReportCondition {
  std::string name;
  bool holds = true;
  std::string because;
};

struct ReportStep {
  int step = 0;
  std::string thread;  // "T1"
  std::string action;
  std::string lock;  // id
  SourceFrame frame;
};

// One of the places of a finding that was seen at more than one.
struct ReportPlace {
  uint64_t count = 1;
  std::string title;
  std::vector<ReportLock> locks;
  std::vector<ReportThread> threads;
  std::vector<ReportProcess> processes;
};

struct ReportFinding {
  std::string rule;
  std::string level;        // error | warning | note
  std::string confidence;   // confirmed | potential
  std::string fingerprint;  // 16 hex digits
  std::string title, explanation, fix, suppression;
  std::string status = "new";           // new | baseline | suppressed
  std::string suppressed_by = "";       // "gordian.supp:3"
  std::string suppressed_because = "";  // the reason given there
  SourceFrame primary;                  // where it is, if it is at one place
  std::vector<ReportCondition> conditions;
  std::vector<ReportStep> interleaving;
  std::vector<ReportLock> locks;
  std::vector<ReportThread> threads;
  std::vector<ReportProcess> processes;
  std::vector<std::string> behind;
  uint64_t count = 1;  // over all places
  uint64_t runs = 0;   // of `gordian hunt`: how many of its runs had it; 0: there was one run
  std::string again;   // of `gordian hunt` and `confirm`: the command that shows it
  // Empty for one place. Otherwise all of them: first the one that locks, threads and processes above show.
  std::vector<ReportPlace> places;
};

// What one thread did when it was looked at.
struct ReportTask {
  int32_t tid = 0;
  std::string name;
  std::string verdict;  // deadlock | owner gone | waiting outside | progressing; stuck (of `gordian ps`)
  std::string what;     // "waits for mutex g_mutex, held by thread 12"
  std::string kind;     // as ReportWait::kind; empty: it runs
  bool timed = false;
  Frames stack;
};

struct ReportSnapshot {
  int32_t pid = 0;
  int32_t ppid = 0;
  std::string command;
  std::vector<ReportTask> threads;
};

// How locks were used: in all, or at one place.
struct ReportUse {
  uint64_t acquisitions = 0;
  uint64_t contended = 0;  // found the lock held when they began
  uint64_t wait_ns = 0;
  uint64_t most_wait_ns = 0;
  uint64_t hold_ns = 0;
  uint64_t most_hold_ns = 0;
};

struct ReportProfileSite {
  std::string mode;  // as ReportHeld::mode
  Frames stack;
  ReportUse use;
};

// A lock class, as `gordian run --profile` saw it.
struct ReportProfile {
  std::string name;  // as ReportLock::name
  std::string kind;
  std::string lock_class;
  ReportUse use;
  std::vector<ReportProfileSite> sites;  // those with the longest waits first
};

struct ReportCoverage {
  uint64_t processes = 0;  // of the tree, traced or not
  uint64_t threads = 0;
  uint64_t events = 0;  // facts recorded
  uint64_t dropped = 0;
  std::vector<std::string> unseen;  // one sentence each
  uint64_t recorded = 0;            // processes that were seen whole; none where nobody was prepared
  uint64_t incomplete = 0;          // of those: recording ended early, or the trace is damaged
};

struct ReportRun {
  std::vector<std::string> command;
  std::string started;  // RFC 3339, UTC
  double seconds = 0;
  std::string status;            // "exited 0", "killed by SIGTERM", "ended by gordian", "running"
  std::optional<int> exit_code;  // as a shell sees it: 128 + signal; nullopt: nobody knows
  std::string host;
  std::string version;  // of gordian
};

// One line of a suppressions file, and what came of it.
struct ReportSuppression {
  std::string place;  // "gordian.supp:3"
  std::string text;   // "rule:pattern", as it stands there
  std::string reason;
  std::string until;  // the last day on which it counts; empty: for ever
  std::string state;  // used | unused | expired
  uint64_t findings = 0;
};

// What came of a baseline.
struct ReportBaseline {
  std::string file;
  uint64_t findings = 0;           // that it has
  std::vector<std::string> stale;  // that were not found: "rule:pattern @fingerprint"
};

// How many findings there are that are new, of each level, and how many that are not.
struct ReportSummary {
  int errors = 0;
  int warnings = 0;
  int notes = 0;
  int baseline = 0;
  int suppressed = 0;
};

struct Report {
  ReportRun run;
  ReportCoverage coverage;
  std::vector<ReportFinding> findings;
  std::vector<ReportProfile> profile;    // those with the longest waits first; of a run with --profile
  std::vector<ReportSnapshot> snapshot;  // of `gordian attach`, or of --dump-after: one for each process
  std::optional<int> exit_code;          // of gordian
  // Cycles of lock orders that cannot deadlock, each with one condition that does not hold; if asked for.
  std::optional<std::vector<ReportFinding>> near_misses;
  std::vector<ReportSuppression> suppressions;  // where there are any
  std::optional<ReportBaseline> baseline;       // where there is one
  std::vector<std::string> failures;  // what was expected of the run, and is not so: one sentence each
  ReportSummary Summary() const;
};

struct BuildOptions {
  bool redact = true;                      // hide obvious secrets in command lines
  std::string source_root;                 // stripped from paths where it is a prefix
  bool snapshot = false;                   // also tell what every thread does
  bool near_misses = false;                // the findings are near misses: each says why it cannot happen
  std::vector<std::string> wrappers = {};  // globs on functions that only lock on behalf of their callers
};

// Symbolizes and names everything. `debug_directories` are searched by build-id after the usual places.
Report BuildReport(const trace::Run& run, const std::vector<analyze::Finding>& findings,
                   const BuildOptions& options);

enum class TextFormat {
  kFull,
  kShort,  // "file:line: level: rule: title [fingerprint]", one line a finding: editors and CI know it
};

inline constexpr size_t kTextWidth = 96;

struct TextOptions {
  TextFormat format = TextFormat::kFull;
  bool color = false;
  size_t width = kTextWidth;         // columns
  int verbosity = 0;                 // -1 summary line only, 0 findings, 1 also notes in full and raw facts
  std::string next_steps;            // a line printed after the findings, may be empty
  std::optional<int> exit_code = 0;  // named in the summary line; nobody may know it
  // As they were printed while the program ran: ToText repeats none, and tells what came to them since.
  std::vector<ReportFinding> printed_before;
};

// The formats. Each ends with a newline.
std::string ToText(const Report& report, const TextOptions& options);
std::string FindingToText(const ReportFinding& finding, const TextOptions& options);
std::string SummaryLine(const Report& report, const TextOptions& options);
std::string ToJson(const Report& report);

}  // namespace gordian::report

#endif  // GORDIAN_REPORTS_REPORT_H_
