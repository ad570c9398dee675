// How a finding's locks and threads are called.
// Thread safety: none; as the Symbolizer that it uses.
#ifndef GORDIAN_REPORTS_NAMES_H_
#define GORDIAN_REPORTS_NAMES_H_

#include <string>
#include <vector>

#include "libsync/trace/run.h"
#include "reports/report.h"
#include "reports/symbolizer.h"

namespace gordian::report {

// "mutex", "robust process-shared mutex", "read-write lock".
std::string KindName(const trace::Process& process, const trace::Lock& lock);

// As the reports name it: "lock", "join" ...; empty for none.
const char* KindOfWait(trace::WaitKind kind);

// How much a lock's name says about it.
enum class NameSource { kUser, kSymbol, kCreated, kFirstLocked, kAddress };

struct LockNames {
  std::string name;        // "g_cache", "mutex created at cache.cc:12"
  std::string lock_class;  // the same for every instance and every build
  NameSource source = NameSource::kAddress;
  bool in_words = false;  // the name says what kind of lock it is: "stdout's lock"
};

// Takes the first that is known: the user's name, the static variable, where it was created, where it was
// first locked, its address.
LockNames NameLock(const trace::Process& process, const trace::Lock& lock, Symbolizer* symbolizer);

// Makes equal names of different locks distinct: "mutex created at a.cc:3 (1)", "... (2)".
void MakeDistinct(std::vector<ReportLock>* locks);

// "main", "worker (tid 4712)"; with `with_process`, where a run has several, also ", pid 4700, shopd".
std::string ThreadName(const trace::Process& process, const trace::Thread& thread, bool with_process);

// The functions by which a place is recognised over rebuilds: the innermost project function, and while those
// are wrappers around locks ("MutexLock::MutexLock") their callers too, so that the last one is the function
// that decided to lock. No more than that: optimised code keeps no trace of a caller that did nothing after
// its call, so outer frames come and go with the compiler's options. Without templates; functions of shared
// libraries with their library, main with its program. Where there are no symbols, the offset in the module:
// of this build only.
std::vector<std::string> IdentifyingFunctions(const Frames& stack, const std::string& executable);

}  // namespace gordian::report

#endif  // GORDIAN_REPORTS_NAMES_H_
