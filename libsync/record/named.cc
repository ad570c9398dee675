#include "libsync/record/named.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "libsync/record/acquire.h"
#include "libsync/record/events.h"
#include "libsync/record/lifetimes.h"
#include "libsync/record/raw.h"
#include "libsync/record/shared.h"
#include "libsync/record/text.h"

namespace gordian::record {
namespace {

// Without the slashes in front: "/a" and "a" are the same.
const char* Bare(const char* name) {
  while (*name == '/') {
    ++name;
  }
  return name;
}

// One slash in front.
class BareName : public TextBuffer {
 public:
  explicit BareName(const char* name) {
    Append("/");
    Append(Bare(name));
  }
};

bool MayRecord(trace::EventKind kind, trace::Ref name) {
  // An unlink more than creations: none of a creation that was recorded is missed.
  const uint64_t most = kMostEventsOfName + (kind == trace::EventKind::kNameUnlinked ? 1 : 0);
  const uint64_t key = uint64_t{1} << 63 | uint64_t{name} << 8 | static_cast<uint64_t>(kind);
  return g_image->events.Add(&g_image->arena, key, 1) <= most;
}

}  // namespace

bool NameExists(NameOf what, const char* name) {
  if (g_no_syscalls || !g_config.on) {
    return true;
  }
  TextBuffer path;
  path.Append(kSharedMemoryFolder);
  path.Append(what == NameOf::kSemaphore ? kSemaphoreFilePrefix : "");
  path.Append(Bare(name));
  struct stat status;
  return RawSyscall(SYS_newfstatat, AT_FDCWD, ToRaw(path.text()), ToRaw(&status), AT_SYMLINK_NOFOLLOW) == 0;
}

void RecordName(trace::EventKind kind, NameOf what, const char* name, const Site& site) {
  const Entry entry;
  if (!entry) {
    return;
  }
  if (__atomic_add_fetch(&g_image->name_events, 1, __ATOMIC_RELAXED) > kMostNameEvents) {
    __atomic_fetch_add(&g_trace.header()->counters.records_dropped, 1, __ATOMIC_RELAXED);
    return;
  }
  const BareName bare(name);
  if (!MayRecord(kind, RecordText(bare.text()))) {
    return;
  }
  AppendEvent(entry.thread(), NewEvent{.kind = kind,
                                       .value = static_cast<int64_t>(what),
                                       .stack = StackOf(entry.thread(), site),
                                       .text = bare.text()});
}

void RecordSemaphoreOpen(sem_t* semaphore, const char* name, bool created, const Site& site) {
  const Entry entry;
  if (!entry) {
    return;
  }
  ForgetMapping();  // libc has mapped it
  ObjectFacts object = FactsOf(semaphore);
  object.kind = trace::LockKind::kNamedSemaphore;
  const trace::Ref known = FindLock(object);
  if (known != 0 && g_trace.At<trace::LockRecord>(known)->shared ==
                        RecordSharedMemory(reinterpret_cast<uintptr_t>(semaphore))) {
    return;
  }
  const trace::Ref lock = BeginLifetime(entry.thread(), object, StackOf(entry.thread(), site));
  if (lock == 0) {
    return;
  }
  g_trace.At<trace::LockRecord>(lock)->name = RecordText(BareName(name).text());
  if (created) {
    BeginSemaphore(lock, SemaphoreValue(semaphore));
  }
}

void RecordSemaphoreClose(sem_t* semaphore) {
  const Entry entry(Entry::Open::kOnlyIfOpen);
  if (!entry || g_no_syscalls) {
    return;
  }
  ForgetMapping();
  const auto address = reinterpret_cast<uintptr_t>(semaphore);
  Mapping mapping;
  if (!FindMapping(address, &mapping)) {
    ForgetRange(address, sizeof(sem_t));
  }
}

}  // namespace gordian::record
