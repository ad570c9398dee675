#include "reports/names.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "libsync/analyze/finding_builder.h"
#include "libsync/analyze/lookup.h"
#include "reports/demangle.h"
#include "reports/frames.h"
#include "reports/wrappers.h"

namespace gordian::report {
namespace {

constexpr size_t kMaxIdentifying = 4;

const char* BaseKind(trace::LockKind kind) {
  switch (kind) {
    case trace::LockKind::kRecursiveMutex:
      return "recursive mutex";
    case trace::LockKind::kErrorcheckMutex:
      return "errorcheck mutex";
    case trace::LockKind::kAdaptiveMutex:
      return "adaptive mutex";
    case trace::LockKind::kCondition:
      return "condition";
    default:
      return analyze::KindWord(kind);
  }
}

// A name from a stack: where for people, the functions for the class.
LockNames FromStack(const std::string& kind, const char* how, const char* class_how, const Frames& stack,
                    const std::string& executable) {
  LockNames names;
  names.name = absl::StrCat(kind, " ", how, " ", ShortPlace(TopFrame(stack)));
  names.lock_class =
      absl::StrCat(kind, " ", class_how, " ", absl::StrJoin(IdentifyingFunctions(stack, executable), " < "));
  return names;
}

// The file and, where only a part of it is locked, which. A path may be as new as the run: it names no class.
LockNames NameFileLock(const trace::Lock& lock) {
  const uint64_t start = lock.shared->offset;
  const uint64_t length = lock.shared->length;
  const std::string kind = BaseKind(lock.kind);
  LockNames names{absl::StrCat(kind, " on ", lock.name), kind, NameSource::kFirstLocked};
  if (length != 0) {
    absl::StrAppend(&names.name, ", bytes ", start, " to ", start + length - 1);
  } else if (start != 0) {
    absl::StrAppend(&names.name, ", from byte ", start);
  }
  return names;
}

// What the C library calls its own locks, by the beginning of the symbol, and what they are to people.
constexpr std::pair<std::string_view, const char*> kLibraryLocks[] = {
    {"_IO_2_1_stdin_", "stdin's lock"},
    {"_IO_2_1_stdout_", "stdout's lock"},
    {"_IO_2_1_stderr_", "stderr's lock"},
    {"_IO_stdfile_0_lock", "stdin's lock"},
    {"_IO_stdfile_1_lock", "stdout's lock"},
    {"_IO_stdfile_2_lock", "stderr's lock"},
    {"list_all_lock", "the lock of the list of all streams"},
    {"_rtld_global._dl_load_write_lock", "the loader's lock of the list of libraries"},
    {"_rtld_global._dl_load_tls_lock", "the loader's lock of thread-local storage"},
    {"_rtld_global", "the loader's lock"},
    {"_rtld_local", "the loader's lock"},
    {"main_arena", "malloc's arena lock"},
    {"__exit_funcs_lock", "the lock of the exit handlers"},
    {"__environ_lock", "the lock of the environment"},
    {"envlock", "the lock of the environment"},
    {"tzset_lock", "the lock of the time zone"},
    {"syslog_lock", "syslog's lock"},
    {"resolver_lock", "the resolver's lock"},
    {"atfork_lock", "the lock of the fork handlers"},
    {"__default_pthread_attr_lock", "the lock of the default thread attributes"},
    {"stack_cache_lock", "the lock of the thread stacks"},
};

// Its own words for a lock of the C library; null where `symbol` is not one of them.
const char* LibraryLock(const trace::Process& process, const trace::Lock& lock, std::string_view symbol) {
  if (!analyze::IsOfLibrary(process, lock)) {
    return nullptr;
  }
  const auto* const found = std::find_if(std::begin(kLibraryLocks), std::end(kLibraryLocks),
                                         [symbol](const auto& row) { return symbol.starts_with(row.first); });
  return found == std::end(kLibraryLocks) ? nullptr : found->second;
}

// Every program has one, and what it does is that program's own.
bool IsMain(const std::string& function) { return function == "main" || function.starts_with("main::"); }

// CPython makes its locks of semaphores.
bool IsOfScript(const trace::Process& process, const trace::Lock& lock) {
  return lock.kind == trace::LockKind::kSemaphore && analyze::IsOfScript(process, lock.create_stack);
}

}  // namespace

std::string KindName(const trace::Process& process, const trace::Lock& lock) {
  if (lock.script && lock.kind != trace::LockKind::kSemaphore) {
    return lock.kind == trace::LockKind::kRecursiveMutex ? "Python RLock" : "Python lock";
  }
  std::string kind = IsOfScript(process, lock) ? "Python lock" : BaseKind(lock.kind);
  if ((lock.flags & trace::kPriorityInherit) != 0) {
    kind = "priority-inheriting " + kind;
  }
  // libc sets the same bit in every robust mutex.
  const bool is_private = (lock.flags & trace::kRobust) != 0 && !lock.shared.has_value();
  if ((lock.flags & trace::kProcessShared) != 0 && !is_private) {
    kind = "process-shared " + kind;
  }
  if ((lock.flags & trace::kRobust) != 0) {
    kind = "robust " + kind;
  }
  return kind;
}

LockNames NameLock(const trace::Process& process, const trace::Lock& lock, Symbolizer* symbolizer) {
  if (lock.shared.has_value() && lock.shared->space == trace::SharedSpace::kFile && !lock.name.empty()) {
    return NameFileLock(lock);
  }
  if (!lock.name.empty()) {
    return {lock.name, lock.name, NameSource::kUser};
  }
  if (std::string symbol = symbolizer->DataName(process, lock.place); !symbol.empty()) {
    const char* known = LibraryLock(process, lock, symbol);
    return {known != nullptr ? known : symbol, symbol, NameSource::kSymbol, known != nullptr};
  }
  const std::string kind = IsOfScript(process, lock) ? "lock" : BaseKind(lock.kind);
  if (const Frames created = symbolizer->ResolveStack(process, lock.create_stack); !created.empty()) {
    LockNames names = FromStack(kind, "created at", "created in", created, process.executable);
    names.source = NameSource::kCreated;
    return names;
  }
  const bool is_static =
      lock.place.module != trace::kNoIndex && static_cast<size_t>(lock.place.module) < process.modules.size();
  if (is_static) {
    // Stripped: the place in the module is all there is. It does not survive a rebuild, its module does.
    const trace::Module& module = process.modules[lock.place.module];
    const std::string base = BaseName(module.path);
    const uint64_t address = module.start + lock.place.offset - module.bias;
    return {absl::StrCat(kind, " at ", base, "+0x", absl::Hex(address)), absl::StrCat(kind, " in ", base),
            NameSource::kAddress};
  }
  if (const Frames first = symbolizer->ResolveStack(process, lock.first_stack); !first.empty()) {
    const bool is_condition = lock.kind == trace::LockKind::kCondition;
    LockNames names =
        FromStack(kind, is_condition ? "first used at" : "first locked at",
                  is_condition ? "first used in" : "first locked in", first, process.executable);
    names.source = NameSource::kFirstLocked;
    return names;
  }
  return {absl::StrCat(kind, " 0x", absl::Hex(lock.address)), kind, NameSource::kAddress};
}

const char* KindOfWait(trace::WaitKind kind) {
  switch (kind) {
    case trace::WaitKind::kLock:
      return "lock";
    case trace::WaitKind::kCondition:
      return "condition";
    case trace::WaitKind::kJoin:
      return "join";
    case trace::WaitKind::kProcess:
      return "process";
    case trace::WaitKind::kBarrier:
      return "barrier";
    case trace::WaitKind::kFutex:
      return "futex";
    case trace::WaitKind::kSleep:
      return "sleep";
    case trace::WaitKind::kCall:
      return "call";
    case trace::WaitKind::kNone:
      break;
  }
  return "";
}

void MakeDistinct(std::vector<ReportLock>* locks) {
  std::map<std::string, int> uses;
  for (const ReportLock& lock : *locks) {
    ++uses[lock.name];
  }
  std::map<std::string, int> seen;
  for (ReportLock& lock : *locks) {
    if (uses[lock.name] > 1) {
      lock.name = absl::StrCat(lock.name, " (", ++seen[lock.name], ")");
    }
  }
}

std::string ThreadName(const trace::Process& process, const trace::Thread& thread, bool with_process) {
  const std::string program = BaseName(process.executable);
  const std::string where =
      with_process ? absl::StrCat("pid ", process.pid, program.empty() ? "" : ", ", program) : "";
  const std::string behind = where.empty() ? "" : absl::StrCat(" (", where, ")");
  if ((thread.flags & trace::kMainThread) != 0) {
    return "main" + behind;
  }
  if (thread.tid == 0) {
    return "a thread that had not begun" + behind;
  }
  // A thread that was given no name has its process's (cut to 15 characters), which says nothing.
  if (thread.name.empty() || program.starts_with(thread.name)) {
    return absl::StrCat("thread ", thread.tid, behind);
  }
  return absl::StrCat(thread.name, " (tid ", thread.tid, where.empty() ? "" : ", ", where, ")");
}

std::vector<std::string> IdentifyingFunctions(const Frames& stack, const std::string& executable) {
  std::vector<std::string> names;
  for (const SourceFrame& frame : ProjectFrames(stack)) {
    const std::string function = !frame.function.empty() ? WithoutTemplateArguments(frame.function)
                                 : frame.module.empty()  ? "?"  // code made at run time: an address
                                                         : ShortPlace(frame);
    const bool in_executable = frame.module.empty() || frame.module == executable || frame.function.empty();
    std::string name = in_executable && !IsMain(function)
                           ? function
                           : absl::StrCat(BaseName(in_executable ? executable : frame.module), ":", function);
    // A part that the compiler split off calls, and is called by, its own function: one frame at -O0.
    if (names.empty() || names.back() != name) {
      names.push_back(std::move(name));
    }
    if (!(frame.wrapper || SoundsLikeWrapper(function)) || names.size() == kMaxIdentifying) {
      break;
    }
  }
  return names;
}

}  // namespace gordian::report
