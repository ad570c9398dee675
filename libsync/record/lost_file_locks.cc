#include "libsync/record/lost_file_locks.h"

#include "libsync/record/descriptors.h"
#include "libsync/record/events.h"

namespace gordian::record {

// REQUIRES for all fields: Image::file_locks_lock.
struct LostFileLock {
  LostFileLock* next;
  uint64_t device;
  uint64_t inode;
  FileRange range;
  trace::EventRecord* event;
  // What its thread had done by then.
  const Thread* thread;
  uint32_t acquisitions;
  uint32_t opened_files;
  bool written;
};

namespace {

bool HasDoneNothing(const Thread* thread, const LostFileLock& lost) {
  return thread == lost.thread && thread->own_slot->acquisitions == lost.acquisitions &&
         __atomic_load_n(&g_image->opened_files, __ATOMIC_RELAXED) == lost.opened_files && !lost.written;
}

template <typename Choose>
void EndLosses(Thread* thread, Choose choose) {
  if (__atomic_load_n(&g_image->lost_file_locks, __ATOMIC_RELAXED) == nullptr) {
    return;
  }
  SpinGuard guard(&g_image->file_locks_lock);
  for (LostFileLock** link = &g_image->lost_file_locks; *link != nullptr;) {
    LostFileLock* lost = *link;
    if (!choose(*lost)) {
      link = &lost->next;
      continue;
    }
    *link = lost->next;
    const auto now = static_cast<int64_t>(NowNs());
    const int64_t when = HasDoneNothing(thread, *lost) ? -now : now;
    __atomic_store_n(&lost->event->value, when, __ATOMIC_RELAXED);
    g_image->arena.Free(lost, sizeof(*lost));
    __atomic_fetch_sub(&g_image->file_lock_count, 1, __ATOMIC_RELAXED);
  }
}

}  // namespace

void RecordFileLockLost(Thread* thread, const LostHolding& lost, const Site& site) {
  trace::EventRecord* event = RecordEvent(thread, {.kind = trace::EventKind::kFileLockLost,
                                                   .object = lost.lock,
                                                   .stack = StackOf(thread, site),
                                                   .other_stack = lost.stack,
                                                   .error = static_cast<int>(lost.mode)});
  auto* entry =
      event == nullptr ? nullptr : static_cast<LostFileLock*>(g_image->arena.Allocate(sizeof(LostFileLock)));
  if (entry == nullptr) {
    return;
  }
  ForgetEnds(lost.range.fd);  // so that the next write to it comes by NoteFileWritten
  SpinGuard guard(&g_image->file_locks_lock);
  *entry = LostFileLock{g_image->lost_file_locks,
                        lost.device,
                        lost.inode,
                        lost.range,
                        event,
                        thread,
                        thread->own_slot->acquisitions,
                        __atomic_load_n(&g_image->opened_files, __ATOMIC_RELAXED),
                        false};
  g_image->lost_file_locks = entry;
  __atomic_fetch_add(&g_image->file_lock_count, 1, __ATOMIC_RELAXED);
}

void NoteGivenBack(Thread* thread, int fd) {
  EndLosses(thread, [fd](const LostFileLock& lost) { return lost.range.fd == fd; });
}

void NoteGivenBack(Thread* thread, uint64_t device, uint64_t inode, uint64_t start, uint64_t end) {
  EndLosses(thread, [=](const LostFileLock& lost) {
    return lost.device == device && lost.inode == inode && lost.range.start < end && start < lost.range.end;
  });
}

void NoteAllGivenBack(Thread* thread) {
  EndLosses(thread, [](const LostFileLock& /*lost*/) { return true; });
}

void NoteFileWritten(int fd) {
  SpinGuard guard(&g_image->file_locks_lock);
  for (LostFileLock* lost = g_image->lost_file_locks; lost != nullptr; lost = lost->next) {
    lost->written = lost->written || lost->range.fd == fd;
  }
}

void RecordFileLockTaken(Thread* thread, trace::Ref lock, trace::Ref stack, trace::Mode mode) {
  RecordDuration(thread, {.kind = trace::EventKind::kFileLockTaken,
                          .object = lock,
                          .value = static_cast<int64_t>(NowNs()),
                          .stack = stack,
                          .error = static_cast<int>(mode)});
}

}  // namespace gordian::record
