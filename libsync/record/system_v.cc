#include "libsync/record/system_v.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <cstring>

#include "libsync/record/holdings.h"
#include "libsync/record/raw.h"
#include "libsync/record/shared.h"

namespace gordian::record {
namespace {

// Of a set; more of them are known only as far as they are used.
constexpr unsigned kMostInSet = 256;

// No way to change a signal mask, and the size of one.
constexpr long kNoWay = 99;
constexpr long kSignalSetBytes = 8;

// The value, or 0 where it cannot be asked for: then it may be a lock that is taken.
int ValueOf(int id, unsigned number) {
  const long value = g_no_syscalls ? 0 : RawSyscall(SYS_semctl, id, number, GETVAL);
  return value < 0 ? 0 : static_cast<int>(value);
}

ObjectFacts SystemVFacts(int id, unsigned number, int value) {
  return ObjectFacts{reinterpret_cast<void*>(SystemVAddress(id, number)),
                     trace::LockKind::kSystemVSemaphore,
                     static_cast<uint16_t>(value > 1 ? trace::kHandOff : 0),
                     nullptr,
                     0,
                     value == 0};
}

// The kernel answers for a bad address, so it looks first: what is no way to change a signal mask changes
// none.
bool IsReadable(uintptr_t word) {
  return RawSyscall(SYS_rt_sigprocmask, kNoWay, static_cast<long>(word & ~uintptr_t{7}), 0,
                    kSignalSetBytes) == -EINVAL;
}

bool CopyOperations(sembuf* to, const sembuf* from, size_t count) {
  if (count == 0 || count > kMostOperations || g_no_syscalls) {
    return false;
  }
  // They lie in two pages at most.
  const auto start = reinterpret_cast<uintptr_t>(from);
  if (!IsReadable(start) || !IsReadable(start + count * sizeof(sembuf) - 1)) {
    return false;
  }
  memcpy(to, from, count * sizeof(sembuf));
  return true;
}

// A thread waits for one thing: for what somebody of this process holds, if there is such a one.
void ChooseWait(const SemaphoreCall& call, bool timed) {
  const Entry entry(Entry::Open::kOnlyIfOpen);
  for (uint32_t i = 0; entry && i < call.taken; ++i) {
    const Attempt& attempt = call.attempts[i];
    if (attempt.thread == entry.thread() && FindHolder(attempt.lock, entry.thread()) != nullptr) {
      PublishLockWait(entry->own_slot, attempt.lock, attempt.stack, attempt.mode, timed);
      return;
    }
  }
}

}  // namespace

trace::Ref RecordSharedSystemV(uintptr_t address) {
  struct stat status {};
  if (g_image->ipc_namespace == 0 && !g_no_syscalls &&
      RawSyscall(SYS_newfstatat, AT_FDCWD, ToRaw("/proc/self/ns/ipc"), ToRaw(&status), 0) == 0) {
    g_image->ipc_namespace = status.st_ino;
  }
  return RecordShared(trace::SharedSpace::kSystemV, g_image->ipc_namespace, (address >> 16) & 0xFFFFFFFF,
                      address & 0xFFFF, 0);
}

void BeginSemaphoreCall(SemaphoreCall* call, int id, const sembuf* operations, size_t count, bool timed,
                        const Site& site) {
  call->taken = 0;
  sembuf copies[kMostOperations];
  if (!g_config.on || t_vfork_depth != 0 || !CopyOperations(copies, operations, count)) {
    return;
  }
  bool may_wait = false;
  for (size_t i = 0; i < count; ++i) {
    const sembuf& operation = copies[i];
    const int value = ValueOf(id, operation.sem_num);
    ObjectFacts object = SystemVFacts(id, operation.sem_num, value);
    if (operation.sem_op > 0) {
      BeginPost(object, operation.sem_op == 1 ? value : 1, site);
      continue;
    }
    if (operation.sem_op != -1) {
      object.flags |= trace::kHandOff;
    }
    const bool waits = (operation.sem_flg & IPC_NOWAIT) == 0;
    may_wait = may_wait || waits;
    const Blocking blocking = !waits ? Blocking::kTry : timed ? Blocking::kTimed : Blocking::kForever;
    const Attempt attempt = BeginAcquire(object, trace::Mode::kExclusive, blocking, site);
    if (attempt.thread != nullptr && (operation.sem_flg & SEM_UNDO) != 0) {
      // The kernel gives it back when its process ends.
      g_trace.At<trace::LockRecord>(attempt.lock)->flags |= trace::kRobust;
    }
    call->attempts[call->taken++] = attempt;
  }
  if (call->taken > 1 && may_wait) {
    ChooseWait(*call, timed);
  }
}

void EndSemaphoreCall(const SemaphoreCall& call, bool done) {
  for (uint32_t i = 0; i < call.taken; ++i) {
    EndAcquire(call.attempts[i], done);
  }
}

unsigned CountSemaphores(int id) {
  semid_ds set{};
  if (g_no_syscalls || !IsReady() || RawSyscall(SYS_semctl, id, 0, IPC_STAT, ToRaw(&set)) != 0) {
    return 0;
  }
  return set.sem_nsems < kMostInSet ? static_cast<unsigned>(set.sem_nsems) : kMostInSet;
}

namespace {

// Whoever held it holds nothing any more.
void Retire(Thread* thread, const ObjectFacts& object) {
  if (const trace::Ref lock = FindLock(object); lock != 0) {
    DropHeld(thread, lock);
    if (FindHolder(lock, thread) != nullptr) {
      g_trace.At<trace::LockRecord>(lock)->flags |= trace::kHandOff;
    }
    RetireLock(lock);
  }
}

}  // namespace

void RecordSemaphoreSet(int id, unsigned number, int value, const Site& site) {
  const Entry entry(Entry::Open::kOnlyIfOpen);
  if (!entry) {
    return;
  }
  const ObjectFacts object = SystemVFacts(id, number, value);
  Retire(entry.thread(), object);
  BeginSemaphore(BeginLifetime(entry.thread(), object, StackOf(entry.thread(), site)), value);
}

void RecordSemaphoresRemoved(int id, unsigned count) {
  const Entry entry(Entry::Open::kOnlyIfOpen);
  for (unsigned number = 0; entry && number < count; ++number) {
    Retire(entry.thread(), SystemVFacts(id, number, 0));
  }
}

}  // namespace gordian::record
