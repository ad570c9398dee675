// Calls that make child processes.
#include <spawn.h>
#include <stdio.h>
#include <sys/types.h>
#include <unistd.h>

#include "libsync/record/acquire.h"
#include "libsync/record/children.h"
#include "libsync/record/waits.h"
#include "preload/exec.h"
#include "preload/fork.h"
#include "preload/intercept.h"

using namespace gordian::record;
using gordian::trace::ChildHow;

namespace {

NewChild BeginPlainChild(ChildHow how, const Site& site, const char* path) {
  const Entry entry;
  if (!entry) {
    return NewChild{};
  }
  const NewChild child = BeginChild(entry.thread(), how, site);
  if (child.record != nullptr) {
    child.record->flags |= gordian::trace::kExecd;
    KeepPath(child.record, path);
  }
  return child;
}

void EndPlainChild(const NewChild& child, pid_t pid) {
  const Entry entry(Entry::Open::kOnlyIfOpen);
  if (entry) {
    EndChild(child, pid);
  }
}

}  // namespace

// The records are made by the pthread_atfork handlers (fork.cc), which libc's own forks pass too.
INTERCEPT(pid_t, fork, void) {
  gordian::preload::AnnounceFork(ChildHow::kFork, CALL_SITE());
  const pid_t pid = REAL(fork)();
  if (pid != 0) {
    gordian::preload::ForkReturned(pid);
  } else {
    ForgiveRenewedLocks();
  }
  return pid;
}

INTERCEPT_ALIAS(__fork, fork)

// No handler runs around this one.
INTERCEPT(pid_t, _Fork, void) {
  gordian::preload::AnnounceFork(ChildHow::kRawFork, CALL_SITE());
  gordian::preload::AtForkPrepare();
  const pid_t pid = REAL(_Fork)();
  if (pid == 0) {
    gordian::preload::AtForkChild();
  } else {
    gordian::preload::ForkReturned(pid);
  }
  return pid;
}

INTERCEPT(int, daemon, int keep_directory, int keep_files) {
  gordian::preload::AnnounceFork(ChildHow::kDaemon, CALL_SITE());
  const int result = REAL(daemon)(keep_directory, keep_files);
  // Only the child comes back, or nobody was made.
  gordian::preload::ForkReturned(result == 0 ? 0 : -1);
  return result;
}

INTERCEPT(int, posix_spawn, pid_t* pid, const char* path, const posix_spawn_file_actions_t* actions,
          const posix_spawnattr_t* attributes, char* const argv[], char* const envp[]) {
  const NewChild child = BeginPlainChild(ChildHow::kSpawn, CALL_SITE(), path);
  pid_t made = 0;
  const int error =
      REAL(posix_spawn)(&made, path, actions, attributes, argv, CHILD_ENVIRONMENT(path, false, envp));
  EndPlainChild(child, error == 0 ? made : -1);
  if (error == 0 && pid != nullptr) {
    *pid = made;
  }
  return error;
}

INTERCEPT(int, posix_spawnp, pid_t* pid, const char* file, const posix_spawn_file_actions_t* actions,
          const posix_spawnattr_t* attributes, char* const argv[], char* const envp[]) {
  const NewChild child = BeginPlainChild(ChildHow::kSpawn, CALL_SITE(), file);
  pid_t made = 0;
  const int error =
      REAL(posix_spawnp)(&made, file, actions, attributes, argv, CHILD_ENVIRONMENT(file, true, envp));
  EndPlainChild(child, error == 0 ? made : -1);
  if (error == 0 && pid != nullptr) {
    *pid = made;
  }
  return error;
}

INTERCEPT(int, system, const char* command) {
  if (command == nullptr) {
    return REAL(system)(command);
  }
  const Site site = CALL_SITE();
  const NewChild child = BeginPlainChild(ChildHow::kSystem, site, "/bin/sh");
  if (child.record != nullptr) {
    child.record->flags |= gordian::trace::kReapedInside;
  }
  Thread* waiting = nullptr;
  {
    Entry entry(Entry::Open::kOnlyIfOpen);
    const gordian::trace::Ref stack = child.record == nullptr ? 0 : child.record->stack;
    if (entry && entry->own_slot->held_count != 0) {
      RecordAwaitedEnd(entry.thread(), child.ref, gordian::trace::kAwaitsChild, stack);
    }
    waiting = BeginWait(&entry, gordian::trace::WaitKind::kProcess, child.ref, 0, false, stack);
  }
  const int status = REAL(system)(command);
  EndWait(waiting);
  {
    const Entry entry(Entry::Open::kOnlyIfOpen);
    if (entry) {
      RecordReapedInside(entry.thread(), child);
    }
  }
  return status;
}

INTERCEPT(FILE*, popen, const char* command, const char* mode) {
  const NewChild child = BeginPlainChild(ChildHow::kPopen, CALL_SITE(), "/bin/sh");
  FILE* stream = REAL(popen)(command, mode);
  EndPlainChild(child, stream != nullptr ? 0 : -1);
  return stream;
}

INTERCEPT(int, pclose, FILE* stream) {
  const Site site = CALL_SITE();
  Thread* waiting = nullptr;
  {
    Entry entry(Entry::Open::kOnlyIfOpen);
    waiting = BeginWait(&entry, gordian::trace::WaitKind::kProcess, 0, 0, false,
                        entry ? StackOf(entry.thread(), site) : 0);
  }
  const int status = REAL(pclose)(stream);
  EndWait(waiting);
  return status;
}

INTERCEPT(pid_t, setsid, void) {
  const pid_t session = REAL(setsid)();
  if (session != -1) {
    MarkOwnChildRecord(gordian::trace::kChildSetsid);
    if (IsReady() && t_vfork_depth == 0) {
      g_trace.header()->session = session;
    }
  }
  return session;
}
