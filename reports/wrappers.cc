#include "reports/wrappers.h"

#include <fnmatch.h>

#include <algorithm>
#include <iterator>
#include <string_view>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "reports/demangle.h"
#include "reports/frames.h"

namespace gordian::report {
namespace {

// Longer functions do more than to lock, whatever they return with. An unoptimised wrapper that checks and
// reports each error has about half of it.
constexpr uint64_t kMostBytes = 512;
constexpr size_t kMostLevels = 4;
constexpr size_t kFewestCallers = 2;

// A function whose own or whose class's name has one of these words only locks on behalf of its caller.
constexpr std::string_view kWrapperWords[] = {"lock",     "locker", "locked",   "mutex",    "rwlock",
                                              "spinlock", "guard",  "acquire",  "critical", "monitor",
                                              "enter",    "latch",  "semaphore"};

// Matched at the start of a function's name: what libraries offer to lock, to wait and to start threads.
constexpr std::string_view kLibraryFunctions[] = {
    "PyThread_",
    "g_mutex_",
    "g_rec_mutex_",
    "g_rw_lock_",
    "g_cond_",
    "g_once_",
    "g_static_mutex_",
    "g_static_rec_",
    "g_static_rw_",
    "g_thread_new",
    "g_thread_join",
    "g_thread_try_new",
    "g_thread_create",
    "apr_thread_mutex_",
    "apr_thread_rw",
    "apr_thread_cond_",
    "apr_thread_create",
    "apr_thread_join",
    "apr_global_mutex_",
    "apr_proc_mutex_",
    "apr_file_lock",
    "PR_Lock",
    "PR_Unlock",
    "PR_NewLock",
    "PR_DestroyLock",
    "PR_EnterMonitor",
    "PR_ExitMonitor",
    "PR_NewMonitor",
    "PR_DestroyMonitor",
    "PR_Wait",
    "PR_Notify",
    "PR_NewCondVar",
    "PR_DestroyCond",
    "PR_RWLock_",
    "PR_NewRWLock",
    "PR_CallOnce",
    "PR_CreateThread",
    "PR_JoinThread",
    "PZ_",
    "uv_mutex_",
    "uv_rwlock_",
    "uv_cond_",
    "uv_sem_",
    "uv_once",
    "uv_barrier_",
    "uv_thread_create",
    "uv_thread_join",
    "nni_mtx_",
    "nni_rwlock_",
    "nni_cv_",
    "nni_plat_mtx_",
    "nni_plat_rwlock_",
    "nni_plat_cv_",
    "nni_plat_thr_",
    "nni_pthread_",
    "nni_thr_init",
    "nng_mtx_",
    "nng_cv_",
    "nng_thread_create",
    "sqlite3_mutex_",
    "pthreadMutex",
    "CRYPTO_THREAD_",
    "evthread_",
    "SDL_LockMutex",
    "SDL_mutex",
    "SDL_UnlockMutex",
    "SDL_CreateMutex",
    "SDL_CondWait",
    "QThread::start",
    "QThread::wait",
    "QWaitCondition",
    "QSemaphore",
    "boost::thread::",
    "boost::condition",
    "zmq::thread_t::",
    "zmq::condition_",
    "absl::CondVar",
    "absl::Barrier",
    "absl::Notification",
    "absl::BlockingCoun",
    "absl::call_once",
};

// Namespaces and prefixes of libraries whose functions and classes with a word of locking are their locks.
constexpr std::string_view kLibraryScopes[] = {"absl::", "boost::", "tbb::", "zmq::"};

// What a name is made of that says nothing but how something is locked ...
constexpr std::string_view kVocabulary[] = {
    "lock",      "locker",    "locked",    "unlock",    "unlocker", "mutex",     "mtx",       "mu",
    "rwlock",    "spinlock",  "semaphore", "sem",       "cond",     "condition", "condvar",   "cv",
    "variable",  "guard",     "scoped",    "scope",     "auto",     "unique",    "shared",    "exclusive",
    "recursive", "read",      "reader",    "write",     "writer",   "rdlock",    "wrlock",    "rw",
    "rd",        "wr",        "try",       "trylock",   "acquire",  "release",   "enter",     "leave",
    "init",      "create",    "destroy",   "new",       "free",     "wait",      "timedwait", "timed",
    "signal",    "broadcast", "critical",  "section",   "spin",     "simple",    "base",      "holder",
    "p",         "t",         "impl",      "os",        "posix",    "pthread",   "native",    "basic",
    "fast",      "take",      "get",       "hold",      "drop",     "m",         "l",         "initialize",
    "notify",    "post",      "up",        "down",      "obtain",   "grab",      "safe",      "in",
    "setup",     "prepare",   "make",      "construct", "ctor",
};
// ... and those of which it must have one. A function may be called after what it does under a lock.
constexpr std::string_view kCore[] = {"lock",     "locker", "unlock", "mutex",   "mtx",    "rwlock",
                                      "spinlock", "rdlock", "wrlock", "trylock", "condvar"};
constexpr std::string_view kClassCore[] = {"critical", "guard", "semaphore"};
// What tells that a function of a wrapper's family is one too.
constexpr std::string_view kFamily[] = {
    "init",   "initialize", "create",  "destroy", "new",       "cond",  "wait",  "timedwait",
    "signal", "broadcast",  "sem",     "acquire", "release",   "enter", "leave", "delete",
    "notify", "setup",      "prepare", "make",    "construct", "ctor"};

template <size_t kCount>
bool Has(const std::string_view (&words)[kCount], std::string_view word) {
  return std::find(std::begin(words), std::end(words), word) != std::end(words);
}

template <size_t kCount>
bool StartsWithAny(std::string_view text, const std::string_view (&prefixes)[kCount]) {
  return std::any_of(std::begin(prefixes), std::end(prefixes),
                     [text](std::string_view prefix) { return text.starts_with(prefix); });
}

// "MutexLock", "mutex_lock" and "mutexLock" are "mutex" and "lock"; "Block" is "block".
std::vector<std::string> WordsOf(std::string_view identifier) {
  std::vector<std::string> words;
  std::string word;
  for (size_t i = 0; i <= identifier.size(); ++i) {
    const char c = i < identifier.size() ? identifier[i] : '_';
    if (absl::ascii_islower(c)) {
      word.push_back(c);
      continue;
    }
    if (!word.empty()) {
      words.push_back(word);
    }
    word.clear();
    if (absl::ascii_isupper(c)) {
      word.push_back(absl::ascii_tolower(c));
    }
  }
  return words;
}

// "a::b::C::D" is {"a::b::C", "C", "D"}: what encloses the function, its own name there, and the function's.
struct Scoped {
  std::string_view scope;
  std::string_view outer;
  std::string_view own;
};

Scoped Split(std::string_view function) {
  const size_t last = function.rfind("::");
  if (last == std::string_view::npos) {
    return {"", "", function};
  }
  const std::string_view scope = function.substr(0, last);
  const size_t before = scope.rfind("::");
  return {scope, before == std::string_view::npos ? scope : scope.substr(before + 2),
          function.substr(last + 2)};
}

bool HasWrapperWord(std::string_view identifier) {
  const std::vector<std::string> words = WordsOf(identifier);
  return std::any_of(words.begin(), words.end(),
                     [](const std::string& word) { return Has(kWrapperWords, word); });
}

// "MutexGuard", "lock_mutex"; not "LockTable", which locks a table.
bool SaysNothingButLock(std::string_view identifier, bool is_class) {
  const std::vector<std::string> words = WordsOf(identifier);
  return std::all_of(words.begin(), words.end(), [](const std::string& w) { return Has(kVocabulary, w); }) &&
         std::any_of(words.begin(), words.end(), [is_class](const std::string& w) {
           return Has(kCore, w) || (is_class && Has(kClassCore, w));
         });
}

bool IsOfFamily(std::string_view identifier) {
  const std::vector<std::string> words = WordsOf(identifier);
  return std::any_of(words.begin(), words.end(),
                     [](const std::string& word) { return Has(kCore, word) || Has(kFamily, word); });
}

// What remains of a name without the words of locking: "my" of "my_lock" and of "my_init".
std::string StemOf(std::string_view identifier) {
  std::vector<std::string> words = WordsOf(identifier);
  std::erase_if(words, [](const std::string& word) { return Has(kVocabulary, word); });
  return absl::StrJoin(words, "_");
}

bool IsLibraryFunction(const std::string& function) {
  const bool is_qt = function.size() > 1 && function[0] == 'Q' && absl::ascii_isupper(function[1]);
  return StartsWithAny(function, kLibraryFunctions) ||
         ((is_qt || StartsWithAny(function, kLibraryScopes)) && SoundsLikeWrapper(function));
}

// "absl::lts_20220623::Mutex::Lock" is absl::Mutex::Lock.
std::string WithoutInlineNamespace(const std::string& function) {
  constexpr std::string_view inlined = "absl::lts_";
  const size_t end = function.starts_with(inlined) ? function.find("::", inlined.size()) : std::string::npos;
  return end == std::string::npos ? function : "absl" + function.substr(end);
}

// An inlined call is known by its line, any other one by its return address.
std::string CallSite(const SourceFrame& callee, const SourceFrame& caller) {
  return callee.inlined ? absl::StrCat(caller.function, " ", caller.file, ":", caller.line)
                        : absl::StrCat(caller.module, "+", caller.offset);
}

// Whether all that led to held[at] leads to `later` as well.
bool HasCallers(const Frames& held, size_t at, const Frames& later) {
  const size_t callers = held.size() - at - 1;
  for (size_t c = 0; c < callers; ++c) {
    const SourceFrame& callee = held[at + c];
    if (callers > later.size() ||
        CallSite(callee, held[at + c + 1]) != CallSite(callee, later[later.size() - callers + c])) {
      return false;
    }
  }
  return true;
}

// Whether the call of held[at] may still go on at `later`. Two inlined calls on one line are told apart by
// the instruction at which each of them does the same.
bool MayGoOn(const Frames& held, size_t at, const Frames& later) {
  const SourceFrame& callee = held[at];
  const bool is_there = HasCallers(held, at, later);
  return is_there && std::none_of(later.begin(), later.end(), [&](const SourceFrame& frame) {
           return callee.inlined && frame.inlined && frame.function == callee.function &&
                  frame.line == callee.line && frame.offset != callee.offset;
         });
}

}  // namespace

bool SoundsLikeWrapper(const std::string& function) {
  const Scoped name = Split(function);
  return HasWrapperWord(name.outer) || HasWrapperWord(name.own);
}

Wrappers::Key Wrappers::KeyOf(const SourceFrame& frame) {
  return {frame.module, WithoutInlineNamespace(WithoutTemplateArguments(frame.function))};
}

// A function whose call is over at `later` has returned with the lock held.
void Wrappers::Learn(const Frames& held, const Frames& later, const SizeOf& size_of) {
  size_t level = 0;
  for (size_t i = 0; i + 1 < held.size() && level < kMostLevels; ++i) {
    if (IsRuntimeFrame(held[i]) || held[i].function.empty()) {
      continue;
    }
    ++level;
    Shape& shape = shapes_[KeyOf(held[i])];
    shape.callers.insert(absl::StrCat(CallSite(held[i], held[i + 1]), " ", held[i].offset));
    shape.returned = shape.returned || !MayGoOn(held, i, later);
    shape.small = shape.small && size_of(held[i]) <= kMostBytes;
  }
}

bool Wrappers::OnlyLocks(const Key& key) const {
  const auto shape = shapes_.find(key);
  return shape != shapes_.end() && shape->second.returned && shape->second.small;
}

bool Wrappers::HasShape(const Key& key) const {
  return OnlyLocks(key) && shapes_.at(key).callers.size() >= kFewestCallers;
}

// A member of a wrapper's class, or a C function of the same family.
bool Wrappers::BelongsToOne(const Key& key) const {
  const Scoped name = Split(key.second);
  const bool makes = !name.scope.empty() && (name.own == name.outer || name.own.starts_with("~"));
  if (!makes && !IsOfFamily(name.own)) {
    return false;
  }
  return std::any_of(shapes_.begin(), shapes_.end(), [&](const auto& known) {
    const Scoped other = Split(known.first.second);
    return known.first.first == key.first && other.scope == name.scope &&
           (!name.scope.empty() || StemOf(other.own) == StemOf(name.own)) && HasShape(known.first);
  });
}

bool Wrappers::IsWrapper(const SourceFrame& frame, const SizeOf& size_of) const {
  const Key key = KeyOf(frame);
  const Scoped name = Split(key.second);
  return IsLibraryFunction(key.second) || SaysNothingButLock(name.own, false) ||
         (!name.outer.empty() && SaysNothingButLock(name.outer, true)) || HasShape(key) ||
         (BelongsToOne(key) && size_of(frame) <= kMostBytes) ||
         std::any_of(globs_.begin(), globs_.end(), [&key](const std::string& glob) {
           return fnmatch(glob.c_str(), key.second.c_str(), 0) == 0;
         });
}

// A library without symbols still names the function that the program called.
bool Wrappers::IsWrapperAt(const Frames& stack, size_t at, const SizeOf& size_of) const {
  for (size_t i = at; i < stack.size() && stack[i].module == stack[at].module; ++i) {
    if (!stack[i].function.empty()) {
      return IsWrapper(stack[i], size_of);
    }
  }
  return false;
}

// What only a wrapper calls is shared by the wrapper's callers.
void Wrappers::Mark(Frames* stack, const SizeOf& size_of) const {
  size_t place = 0;
  for (size_t i = 0; i < stack->size(); ++i) {
    const SourceFrame& frame = (*stack)[i];
    if (IsWrapperAt(*stack, i, size_of) || (place == i && IsRuntimeFrame(frame))) {
      place = i + 1;
    } else if (!IsRuntimeFrame(frame) && !OnlyLocks(KeyOf(frame))) {
      break;
    }
  }
  // Runtime frames alone may follow where a thread begins in the wrapper.
  if (place == stack->size()) {
    return;
  }
  for (size_t i = 0; i < place; ++i) {
    (*stack)[i].wrapper = !IsRuntimeFrame((*stack)[i]);
  }
}

}  // namespace gordian::report
