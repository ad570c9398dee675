#include "preload/fork.h"

#include <pthread.h>

#include "libsync/record/children.h"
#include "libsync/record/thread.h"
#include "preload/intercept.h"

using namespace gordian::record;

namespace {

struct Announcement {
  bool made;
  NewChild child;
};
__attribute__((tls_model("initial-exec"))) thread_local constinit Announcement t_fork{};

constinit bool g_registered = false;

struct VforkFrame {
  uintptr_t return_address;
  NewChild child;
};
constexpr int kMostVforks = 8;
__attribute__((tls_model("initial-exec"))) thread_local constinit VforkFrame t_vforks[kMostVforks]{};

}  // namespace

namespace gordian::preload {

void AnnounceFork(trace::ChildHow how, const Site& site) {
  const Entry entry;
  if (entry) {
    t_fork = Announcement{true, BeginChild(entry.thread(), how, site)};
  }
}

void ForkReturned(pid_t pid) {
  AfterForkInParent();
  const Entry entry(Entry::Open::kOnlyIfOpen);
  if (entry && t_fork.made) {
    EndChild(t_fork.child, pid);
  }
  t_fork = Announcement{};
}

void AtForkPrepare() {
  const Entry entry;
  if (!entry) {
    return;
  }
  if (!t_fork.made) {  // libc forks by itself: daemon, forkpty
    t_fork = Announcement{true, BeginChild(entry.thread(), trace::ChildHow::kFork, CALL_SITE())};
  }
  BeforeFork(entry.thread(), t_fork.child.record);
}

void AtForkChild() {
  AfterForkInChild(t_fork.made ? t_fork.child.record : nullptr);
  t_fork = Announcement{};
}

}  // namespace gordian::preload

// Whoever registers first, we come before.
INTERCEPT(int, __register_atfork, void (*prepare)(void), void (*parent)(void), void (*child)(void),
          void* dso) {
  gordian::preload::RegisterAtFork();
  return REAL(__register_atfork)(prepare, parent, child, dso);
}

namespace gordian::preload {

void RegisterAtFork() {
  if (!__atomic_exchange_n(&g_registered, true, __ATOMIC_ACQ_REL)) {
    // Not by pthread_atfork: that would come back through the hook above. A null dso is never unregistered.
    REAL(__register_atfork)(AtForkPrepare, nullptr, AtForkChild, nullptr);
  }
}

}  // namespace gordian::preload

// Called by vfork.S. Returns the real vfork, or null when too many are nested.
extern "C" __attribute__((visibility("hidden"))) void* gordian_vfork_enter(uintptr_t return_address,
                                                                           uintptr_t frame);
extern "C" __attribute__((visibility("hidden"))) uintptr_t gordian_vfork_leave(long pid);
INTERCEPT_STUB(pid_t, vfork, void)

void* gordian_vfork_enter(uintptr_t return_address, uintptr_t frame) {
  if (t_vfork_depth == kMostVforks) {
    return nullptr;
  }
  VforkFrame* kept = &t_vforks[t_vfork_depth];
  *kept = VforkFrame{return_address, {}};
  {
    const Entry entry;
    if (entry) {
      kept->child = BeginChild(entry.thread(), gordian::trace::ChildHow::kVfork, Site{return_address, frame});
    }
  }
  ++t_vfork_depth;
  return reinterpret_cast<void*>(REAL(vfork));
}

uintptr_t gordian_vfork_leave(long pid) {
  if (pid == 0) {
    return t_vforks[t_vfork_depth - 1].return_address;  // the child writes nothing
  }
  VforkFrame* kept = &t_vforks[--t_vfork_depth];
  const Entry entry(Entry::Open::kOnlyIfOpen);
  if (entry) {
    EndChild(kept->child, pid > 0 ? static_cast<int32_t>(pid) : -1);
  }
  return kept->return_address;
}

namespace gordian::preload {

trace::ChildRecord* VforkChildRecord() {
  return t_vfork_depth == 0 ? nullptr : t_vforks[t_vfork_depth - 1].child.record;
}

}  // namespace gordian::preload
