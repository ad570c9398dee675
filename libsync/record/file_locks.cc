#include "libsync/record/file_locks.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cstring>

#include "libsync/record/holdings.h"
#include "libsync/record/locks.h"
#include "libsync/record/lost_file_locks.h"
#include "libsync/record/raw.h"
#include "libsync/record/text.h"

namespace gordian::record {

// A lock in force. REQUIRES for all fields: Image::file_locks_lock.
struct HeldFileLock {
  HeldFileLock* next;
  uint64_t device;
  uint64_t inode;
  uint64_t start;
  uint64_t end;
  int fd;  // through which it was taken
  trace::LockKind kind;
  trace::Mode mode;
  trace::Ref lock;
  trace::Ref stack;
  Thread* holder;  // null: its thread has ended
  uint32_t acquisition;
};

namespace {

// More descriptors than this are not searched for another one of a description.
constexpr int kMostDescriptors = 256;
constexpr int kNone = -1;
// Records beyond this number have no name.
constexpr uint32_t kMostNames = 1 << 14;

struct FileId {
  uint64_t device;
  uint64_t inode;
};

bool Identify(int fd, FileId* id) {
  struct stat status;
  if (RawSyscall(SYS_fstat, fd, ToRaw(&status)) != 0) {
    return false;
  }
  *id = FileId{status.st_dev, status.st_ino};
  return true;
}

bool IsOf(const HeldFileLock& held, const FileId& id, trace::LockKind kind) {
  return held.kind == kind && held.inode == id.inode && held.device == id.device;
}

// Whether a lock through descriptor `owner` and this one belong together.
bool SameOwner(const HeldFileLock& held, int owner) {
  return held.kind == trace::LockKind::kPosixFileLock || held.fd == owner;
}

bool Overlaps(const HeldFileLock& held, uint64_t start, uint64_t end) {
  return held.start < end && start < held.end;
}

// Whether the kernel knows a lock of this kind on the description, by the lines that it has for it:
// "lock:\t1: FLOCK  ADVISORY  WRITE 4711 00:2b:1234 0 EOF".
bool HasLock(int fd, trace::LockKind kind) {
  TextBuffer path;
  path.Append("/proc/self/fdinfo/");
  path.AppendNumber(static_cast<uint64_t>(fd));
  char text[1024];
  if (ReadSmallFile(path.text(), text, sizeof(text)) <= 0) {
    return false;
  }
  const char* word = kind == trace::LockKind::kFlock ? ": FLOCK" : ": OFDLCK";
  const char* lock = strstr(text, "\nlock:");
  return lock != nullptr && strstr(lock, word) != nullptr;
}

enum class Same { kNo, kYes, kUnknown };
Same SameDescription(int fd, int other) {
  const long pid = RawGetpid();
  const long order = RawSyscall(SYS_kcmp, pid, pid, 0 /* KCMP_FILE */, fd, other);
  return order == 0 ? Same::kYes : order > 0 ? Same::kNo : Same::kUnknown;
}

// Calls visit(fd) for the descriptors of this process, until it returns true.
template <typename Visit>
void FindDescriptor(Visit visit) {
  const long folder =
      RawSyscall(SYS_openat, AT_FDCWD, ToRaw("/proc/self/fd"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) {
    return;
  }
  char entries[2048];
  bool found = false;
  int seen = 0;
  for (long bytes = 0; !found && seen < kMostDescriptors &&
                       (bytes = RawSyscall(SYS_getdents64, folder, ToRaw(entries), sizeof(entries))) > 0;) {
    for (long at = 0; !found && at < bytes;) {
      // struct linux_dirent64: inode, offset, size of the entry, type, name.
      uint16_t size;
      memcpy(&size, entries + at + 16, sizeof(size));
      const char* name = entries + at + 19;
      const int fd = static_cast<int>(ParseUnsigned(name));
      ++seen;
      found = name[0] != '.' && fd != folder && visit(fd);
      at += size;
    }
  }
  RawSyscall(SYS_close, folder);
}

// Takes the holding from its thread. REQUIRES: file_locks_lock.
void TakeFrom(Thread* self, const HeldFileLock& held) {
  if (held.holder == nullptr) {
    return;
  }
  if (held.holder == self) {
    DropAcquisition(self, held.acquisition);
    return;
  }
  MarkGivenUp(held.holder, held.lock, held.acquisition);
  if (held.kind != trace::LockKind::kPosixFileLock) {
    // A lock of a process may be given back by any of its threads. Whoever does that to one that it did not
    // take through its own description hands something over.
    g_trace.At<trace::LockRecord>(held.lock)->flags |= trace::kHandOff;
  }
}

// Takes every lock that `choose` wants out of the list and from its holder, and returns them.
template <typename Choose>
HeldFileLock* TakeOut(Thread* self, Choose choose) {
  HeldFileLock* taken = nullptr;
  SpinGuard guard(&g_image->file_locks_lock);
  for (HeldFileLock** link = &g_image->file_locks; *link != nullptr;) {
    HeldFileLock* held = *link;
    if (!choose(*held)) {
      link = &held->next;
      continue;
    }
    *link = held->next;
    TakeFrom(self, *held);
    held->next = taken;
    taken = held;
    __atomic_fetch_sub(&g_image->file_lock_count, 1, __ATOMIC_RELAXED);
  }
  return taken;
}

void PutIn(HeldFileLock* held) {
  SpinGuard guard(&g_image->file_locks_lock);
  held->next = g_image->file_locks;
  g_image->file_locks = held;
  __atomic_fetch_add(&g_image->file_lock_count, 1, __ATOMIC_RELAXED);
}

// The record is not needed any more unless facts refer to it: a program that locks a million ranges in turn
// needs few. REQUIRES: file_locks_lock, and `held` is out of the list.
void Discard(const HeldFileLock& held) {
  if (g_image->file_lock_attempts != 0) {
    return;  // it may be wanted again just now
  }
  for (const HeldFileLock* other = g_image->file_locks; other != nullptr; other = other->next) {
    if (other->lock == held.lock) {
      return;
    }
  }
  auto* record = g_trace.At<trace::LockRecord>(held.lock);
  const trace::Ref identity = record->shared;
  if (RetireUnlessKept(held.lock) && identity != 0) {
    auto* shared = g_trace.At<trace::SharedRecord>(identity);
    g_trace.Withdraw(shared);
    shared->reserved = g_image->free_identities;
    g_image->free_identities = identity;
  }
}

void DiscardAll(HeldFileLock* taken) {
  SpinGuard guard(&g_image->file_locks_lock);
  while (taken != nullptr) {
    HeldFileLock* next = taken->next;
    Discard(*taken);
    g_image->arena.Free(taken, sizeof(*taken));
    taken = next;
  }
}

// The path of an open file; 0 when it has none, or there were too many.
trace::Ref PathOf(int fd) {
  TextBuffer link;
  link.Append("/proc/self/fd/");
  link.AppendNumber(static_cast<uint64_t>(fd));
  char path[1024];
  const long bytes = RawSyscall(SYS_readlinkat, AT_FDCWD, ToRaw(link.text()), ToRaw(path), sizeof(path));
  if (bytes <= 0 || __atomic_load_n(&g_image->file_names, __ATOMIC_RELAXED) >= kMostNames) {
    return 0;
  }
  __atomic_fetch_add(&g_image->file_names, 1, __ATOMIC_RELAXED);
  trace::Ref ref = 0;
  auto* record = g_trace.Append<trace::StringRecord>(trace::Type::kString, static_cast<size_t>(bytes), &ref);
  if (record != nullptr) {
    record->bytes = static_cast<uint32_t>(bytes);
    memcpy(record->text, path, static_cast<size_t>(bytes));
    g_trace.Commit(record, false);
  }
  return ref;
}

// REQUIRES: file_locks_lock.
trace::Ref IdentityOf(const FileId& id, uint64_t start, uint64_t end) {
  trace::Ref ref = g_image->free_identities;
  auto* record = ref != 0 ? g_trace.At<trace::SharedRecord>(ref)
                          : g_trace.Append<trace::SharedRecord>(trace::Type::kShared, 0, &ref);
  if (record == nullptr) {
    return 0;
  }
  if (ref == g_image->free_identities) {
    g_image->free_identities = record->reserved;
  }
  record->space = static_cast<uint32_t>(trace::SharedSpace::kFile);
  record->reserved = 0;
  record->device = id.device;
  record->inode = id.inode;
  record->offset = start;
  record->length = end == kEndOfFile ? 0 : end - start;
  g_trace.Commit(record, false);
  return ref;
}

// Stands for the address of an object in memory: what it is made of names the lock.
ObjectFacts FactsOf(const FileId& id, trace::LockKind kind, uint64_t start, uint64_t end) {
  uint64_t name = MixBits(id.device) ^ id.inode;
  name = MixBits(name ^ static_cast<uint64_t>(kind) << 56) + start;
  name = MixBits(name) ^ end;
  return ObjectFacts{reinterpret_cast<void*>(kNoMemoryBit | MixBits(name)), kind, 0, nullptr, 0, true};
}

trace::Ref ResolveFileLock(Thread* thread, const FileId& id, const FileRange& range) {
  const trace::Ref lock = ResolveLock(thread, FactsOf(id, range.kind, range.start, range.end));
  if (lock == 0) {
    return 0;
  }
  auto* record = g_trace.At<trace::LockRecord>(lock);
  if (record->shared == 0) {
    record->name = PathOf(range.fd);
    SpinGuard guard(&g_image->file_locks_lock);
    record->shared = IdentityOf(id, range.start, range.end);
  }
  return lock;
}

void Add(Thread* thread, const FileId& id, const FileRange& range, trace::Mode mode, trace::Ref lock,
         trace::Ref stack) {
  auto* held = static_cast<HeldFileLock*>(g_image->arena.Allocate(sizeof(HeldFileLock)));
  if (held == nullptr) {
    return;
  }
  Hold(thread, lock, stack, mode);
  *held =
      HeldFileLock{nullptr,    id.device, id.inode, range.start, range.end, range.fd,
                   range.kind, mode,      lock,     stack,       thread,    thread->own_slot->acquisitions};
  PutIn(held);
}

// What the owner holds of the range ends; of what reaches beyond it the rest stays.
void CutOut(Thread* thread, const FileId& id, const FileRange& range) {
  HeldFileLock* taken = TakeOut(thread, [&](const HeldFileLock& held) {
    return IsOf(held, id, range.kind) && SameOwner(held, range.fd) && Overlaps(held, range.start, range.end);
  });
  for (HeldFileLock* held = taken; held != nullptr; held = held->next) {
    const FileRange rests[] = {{held->fd, held->kind, held->start, range.start},
                               {held->fd, held->kind, range.end, held->end}};
    for (const FileRange& rest : rests) {
      const trace::Ref lock = rest.start < rest.end ? ResolveFileLock(thread, id, rest) : 0;
      if (lock != 0) {
        Add(thread, id, rest, held->mode, lock, held->stack);
      }
    }
  }
  DiscardAll(taken);
}

// The descriptor by which this image knows the description of `fd`: one through which a lock on the file was
// taken, else `fd` itself. What was closed past our hooks is forgotten on the way.
int OwnerOf(Thread* thread, const FileId& id, trace::LockKind kind, int fd) {
  if (kind == trace::LockKind::kPosixFileLock) {
    return fd;
  }
  constexpr int most = 8;
  int others[most];
  int count = 0;
  {
    SpinGuard guard(&g_image->file_locks_lock);
    for (const HeldFileLock* held = g_image->file_locks; held != nullptr; held = held->next) {
      if (!IsOf(*held, id, kind)) {
        continue;
      }
      if (held->fd == fd) {
        return fd;
      }
      if (count < most) {
        others[count++] = held->fd;
      }
    }
  }
  const bool may_be_known = count > 0 && HasLock(fd, kind);
  int owner = fd;
  for (int i = 0; i < count; ++i) {
    if (!HasLock(others[i], kind)) {
      DiscardAll(TakeOut(
          thread, [&](const HeldFileLock& held) { return IsOf(held, id, kind) && held.fd == others[i]; }));
    } else if (may_be_known && owner == fd && SameDescription(fd, others[i]) != Same::kNo) {
      owner = others[i];
    }
  }
  return owner;
}

// Another descriptor of the description, outside of what is about to be closed.
int OtherDescriptor(int fd, unsigned first, unsigned last) {
  if (!g_image->descriptors_duplicated) {
    return kNone;
  }
  {
    SpinGuard guard(&g_image->file_locks_lock);
    const HeldFileLock* held = g_image->file_locks;
    while (held != nullptr && (held->fd != fd || held->kind == trace::LockKind::kPosixFileLock)) {
      held = held->next;
    }
    if (held == nullptr) {
      return kNone;
    }
  }
  int other = kNone;
  FindDescriptor([&](int candidate) {
    const bool goes = static_cast<unsigned>(candidate) >= first && static_cast<unsigned>(candidate) <= last;
    if (!goes && SameDescription(fd, candidate) == Same::kYes) {
      other = candidate;
    }
    return other != kNone;
  });
  return other;
}

// Whether the descriptor that it was locked through stays open.
bool StaysOpen(const HeldFileLock& held, unsigned first, unsigned last) {
  const auto fd = static_cast<unsigned>(held.fd);
  FileId id;
  return (fd < first || fd > last) && Identify(held.fd, &id) && IsOf(held, id, held.kind);
}

void ReleaseDescriptor(Thread* thread, int fd, unsigned first, unsigned last, const Site& site) {
  FileId id;
  if (!Identify(fd, &id)) {
    return;
  }
  NoteGivenBack(thread, fd);
  const int other = OtherDescriptor(fd, first, last);
  HeldFileLock* taken = TakeOut(thread, [&](HeldFileLock& held) {
    if (held.kind == trace::LockKind::kPosixFileLock) {
      return held.inode == id.inode && held.device == id.device;
    }
    if (held.fd == fd && other != kNone) {
      held.fd = other;
      return false;
    }
    return held.fd == fd;
  });
  for (const HeldFileLock* held = taken; held != nullptr; held = held->next) {
    if (held->kind == trace::LockKind::kPosixFileLock && StaysOpen(*held, first, last)) {
      RecordFileLockLost(thread,
                         {held->device, held->inode, FileRange{held->fd, held->kind, held->start, held->end},
                          held->mode, held->lock, held->stack},
                         site);
    }
  }
  DiscardAll(taken);
}

// From here on nothing is known about descriptors.
void LoseTrack() {
  if (!HoldsFileLocks()) {
    return;
  }
  const Entry entry(Entry::Open::kOnlyIfOpen);
  if (entry) {
    DiscardAll(TakeOut(entry.thread(), [](const HeldFileLock&) { return true; }));
  }
}

}  // namespace

FileLockAttempt BeginFileLock(const FileRange& range, trace::Mode mode, Blocking blocking, const Site& site) {
  FileLockAttempt begun{};
  FileId id;
  if (g_no_syscalls) {
    LoseTrack();
    return begun;
  }
  bool converts = false;
  {
    const Entry entry;
    if (!entry || !Identify(range.fd, &id)) {
      return begun;
    }
    Thread* thread = entry.thread();
    begun.range = range;
    begun.owner = OwnerOf(thread, id, range.kind, range.fd);
    bool covered = false;
    {
      SpinGuard guard(&g_image->file_locks_lock);
      for (const HeldFileLock* held = g_image->file_locks; held != nullptr; held = held->next) {
        if (IsOf(*held, id, range.kind) && SameOwner(*held, begun.owner) &&
            Overlaps(*held, range.start, range.end)) {
          converts = true;
          covered = covered || (held->mode == mode && held->start <= range.start && held->end >= range.end);
        }
      }
    }
    if (covered) {
      return begun;  // the kernel has nothing to do
    }
    if (converts && range.kind == trace::LockKind::kFlock) {
      CutOut(thread, id, FileRange{begun.owner, range.kind, range.start, range.end});  // also if it fails
      converts = false;
    }
    begun.device = id.device;
    begun.inode = id.inode;
    {
      SpinGuard guard(&g_image->file_locks_lock);
      ++g_image->file_lock_attempts;
    }
    ResolveFileLock(thread, id, range);
  }
  begun.attempt = BeginAcquire(FactsOf(id, range.kind, range.start, range.end), mode, blocking, site);
  if (begun.attempt.thread == nullptr) {
    const Entry entry(Entry::Open::kOnlyIfOpen);
    if (entry) {
      SpinGuard guard(&g_image->file_locks_lock);
      --g_image->file_lock_attempts;
    }
  } else if (converts && blocking == Blocking::kForever) {
    PublishWait(begun.attempt.thread->own_slot, trace::WaitKind::kLock, trace::kConverts, mode);
  }
  return begun;
}

void EndFileLock(const FileLockAttempt& begun, bool acquired) {
  if (begun.attempt.thread == nullptr) {
    return;
  }
  EndAcquire(begun.attempt, false);  // the wait is over
  const Entry entry(Entry::Open::kOnlyIfOpen);
  if (!entry || begun.attempt.thread != entry.thread()) {
    return;
  }
  if (acquired) {
    const FileId id{begun.device, begun.inode};
    FileRange range = begun.range;
    range.fd = begun.owner;
    CutOut(entry.thread(), id, range);
    if (range.kind != trace::LockKind::kFlock) {
      NoteGivenBack(entry.thread(), id.device, id.inode, range.start, range.end);
      RecordFileLockTaken(entry.thread(), begun.attempt.lock, begun.attempt.stack, begun.attempt.mode);
    }
    Add(entry.thread(), id, range, begun.attempt.mode, begun.attempt.lock, begun.attempt.stack);
  }
  SpinGuard guard(&g_image->file_locks_lock);
  --g_image->file_lock_attempts;
}

void ReleaseFileLock(const FileRange& range) {
  if (!HoldsFileLocks()) {
    return;
  }
  if (g_no_syscalls) {
    LoseTrack();
    return;
  }
  const Entry entry(Entry::Open::kOnlyIfOpen);
  FileId id;
  if (!entry || !Identify(range.fd, &id)) {
    return;
  }
  FileRange own = range;
  own.fd = OwnerOf(entry.thread(), id, range.kind, range.fd);
  if (range.kind == trace::LockKind::kPosixFileLock) {
    NoteGivenBack(entry.thread(), id.device, id.inode, range.start, range.end);
  }
  CutOut(entry.thread(), id, own);
}

void ReleaseByClose(unsigned first, unsigned last, const Site& site) {
  if (g_no_syscalls) {
    LoseTrack();
    return;
  }
  int fds[kMostDescriptors];
  int count = 0;
  if (first == last) {
    fds[count++] = static_cast<int>(first);
  } else {
    FindDescriptor([&](int fd) {
      if (static_cast<unsigned>(fd) >= first && static_cast<unsigned>(fd) <= last) {
        fds[count++] = fd;
      }
      return count == kMostDescriptors;
    });
  }
  const Entry entry(Entry::Open::kOnlyIfOpen);
  for (int i = 0; entry && i < count; ++i) {
    ReleaseDescriptor(entry.thread(), fds[i], first, last, site);
  }
}

void LeaveFileLocks(Thread* thread) {
  for (uint32_t i = thread->own_slot->held_count; i-- > 0;) {
    if ((thread->held[i].flags & trace::kGivenUp) != 0) {
      DropAcquisition(thread, thread->held[i].acquisition);
    }
  }
  SpinGuard guard(&g_image->file_locks_lock);
  for (HeldFileLock* held = g_image->file_locks; held != nullptr; held = held->next) {
    if (held->holder == thread) {
      DropAcquisition(thread, held->acquisition);
      held->holder = nullptr;
    }
  }
}

void ShareFileLocks() {
  SpinGuard guard(&g_image->file_locks_lock);
  for (const HeldFileLock* held = g_image->file_locks; held != nullptr; held = held->next) {
    if (held->kind != trace::LockKind::kPosixFileLock) {
      g_trace.At<trace::LockRecord>(held->lock)->flags |= trace::kHandOff;
    }
  }
}

}  // namespace gordian::record
