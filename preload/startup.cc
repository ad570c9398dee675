// How the shim begins in a process, and its last word.
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "libsync/record/image.h"
#include "libsync/record/plan.h"
#include "libsync/record/profile.h"
#include "libsync/record/raw.h"
#include "libsync/record/scripts.h"
#include "libsync/record/stack.h"
#include "libsync/record/text.h"
#include "libsync/record/thread.h"
#include "preload/exit.h"
#include "preload/fork.h"
#include "preload/free_calls.h"
#include "preload/intercept.h"
#include "preload/linked.h"
#include "preload/options.h"
#include "preload/self_test.h"
#include "preload/take_test.h"
#include "preload/thread_calls.h"
#include "preload/watcher.h"

namespace gordian::preload {
namespace {

using record::g_config;

// The size of a thread's stack when its creator asks for none (nptl: RLIMIT_STACK, 2 MiB when unlimited).
size_t DefaultStackBytes() {
  rlimit limit{};
  record::RawSyscall(SYS_prlimit64, 0, RLIMIT_STACK, 0, record::ToRaw(&limit));
  return limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur == 0 ? size_t{2} << 20
                                                                : static_cast<size_t>(limit.rlim_cur);
}

// False, and nothing changed, where the option is not given.
bool ReadMilliseconds(const char* options, const char* key, uint32_t* result) {
  size_t bytes = 0;
  const char* value = FindOption(options, key, &bytes);
  if (value == nullptr) {
    return false;
  }
  *result = static_cast<uint32_t>(record::ParseUnsigned(value));
  return true;
}

// With children=0 only the images of the run's first process are recorded. `root` is its pid.
bool IsExcludedChild(const char* options) {
  size_t bytes = 0;
  const char* root = FindOption(options, "root", &bytes);
  return OptionIs(options, "children", "0") && root != nullptr &&
         record::ParseUnsigned(root) != static_cast<uint64_t>(record::RawGetpid());
}

// The run's folder: given by gordian run (or by the root image), else this image is a root of its own.
bool FindRun(const char* options) {
  if (CopyOption(options, "run", g_config.run_directory, sizeof(g_config.run_directory))) {
    CopyOption(options, "drop", g_config.drop_directory, sizeof(g_config.drop_directory));
    KnowKeeper(options);
    return true;
  }
  return BeginOrJoinRun(options);
}

void Start(int argument_count, char** arguments) {
  record::FindOwnCode();
  const bool knows_own_tid = record::ProveOwnTid();
  g_config.hooks_proved = ResolveAll();
  RegisterAtFork();
  const char* options = ReadOptions();
  if (options == nullptr) {
    return;
  }
  if (IsExcludedChild(options) || !IsSelected(options)) {
    return;
  }
  g_config.default_stack_bytes = DefaultStackBytes();
  TellStartRoutines();
  g_config.use_tags = !OptionIs(options, "identity", "memory") && TagsWork();
  g_config.takes_free_locks =
      g_config.use_tags && knows_own_tid && !OptionIs(options, "take", "libc") && FreeLocksAreAsKnown();
  g_config.know_conditions = ConditionsAreAsKnown();
  g_config.hold_ms = trace::kDefaultHoldMs;
  g_config.times_holds = ReadMilliseconds(options, "hold_ms", &g_config.hold_ms);
  g_config.times_waits = ReadMilliseconds(options, "wait_ms", &g_config.wait_ms);
  g_config.children = !OptionIs(options, "children", "0");
  if (OptionIs(options, "check_free", "1")) {
    g_config.checks_free = LookAtFrees();
    g_config.misses_frees = !g_config.checks_free;
  }
  g_config.profiles = OptionIs(options, "profile", "1");
  if (g_config.profiles) {
    record::FindProfileClock();
  }
  if (!FindRun(options) || !record::Prepare(argument_count, arguments)) {
    return;
  }
  char plan[sizeof(g_config.run_directory)];
  if (CopyOption(options, "plan", plan, sizeof(plan))) {
    record::LoadPlan(plan);
  }
  g_config.on = true;
  record::FindInterpreter();
  const record::Entry entry;  // opens the trace: an image that records nothing is still counted
}

void OnExit(int status, void* /*unused*/) { RecordOrderlyExit(status); }

// The dynamic linker passes what main gets.
__attribute__((constructor)) void OnLoad(int argument_count, char** arguments) {
  const int saved = errno;
  Start(argument_count, arguments);
  // What is registered before the program's own begins runs after all others, and after every destructor.
  on_exit(OnExit, nullptr);
  errno = saved;
}

}  // namespace
}  // namespace gordian::preload
