#include "libsync/record/file_updates.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cstring>

#include "libsync/record/acquire.h"
#include "libsync/record/events.h"
#include "libsync/record/file_locks.h"
#include "libsync/record/holdings.h"
#include "libsync/record/raw.h"
#include "libsync/record/text.h"

namespace gordian::record {

// A file that a thread opened for reading, or created exclusively.
struct FileRead {
  uint64_t key;  // 0: none
  uint64_t time_ns;
  trace::Ref stack;          // 0: the image had no trace yet
  uintptr_t return_address;  // then this is all that is known of the place
};

namespace {

constexpr int kReadBits = 9;
constexpr uint64_t kCreation = 0xA0761D6478BD642F;
constexpr uint64_t kOpenPlace = 0xE7037ED1A0B428DB;

bool IsActive() {
  return g_config.on && !t_inside && t_vfork_depth == 0 && !g_no_syscalls &&
         __atomic_load_n(&g_image->state, __ATOMIC_RELAXED) != static_cast<uint32_t>(ImageState::kOff);
}

bool StartsWith(const char* text, const char* prefix) { return strncmp(text, prefix, strlen(prefix)) == 0; }

bool IsOfTheKernel(const char* path) {
  return path[0] == '/' && (StartsWith(path, "/proc/") || StartsWith(path, "/sys/") ||
                            (StartsWith(path, "/dev/") && !StartsWith(path, "/dev/shm/")));
}

// Of the path as it is written, in this thread and working folder.
uint64_t KeyOf(const char* path) {
  uint64_t hash = reinterpret_cast<uintptr_t>(&t_inside) ^ g_image->folder_changes;
  const size_t bytes = strlen(path);
  size_t at = 0;
  for (; at + 8 <= bytes; at += 8) {
    uint64_t word;
    memcpy(&word, path + at, sizeof(word));
    hash = (hash ^ word) * 0x9E3779B97F4A7C15u;
    hash ^= hash >> 32;
  }
  uint64_t rest = 0;
  memcpy(&rest, path + at, bytes - at);
  return MixBits((hash ^ rest) * 0x9E3779B97F4A7C15u + bytes) | 1;
}

FileRead* EntryOf(uint64_t key) {
  FileRead* reads = __atomic_load_n(&g_image->file_reads, __ATOMIC_ACQUIRE);
  if (reads == nullptr) {
    constexpr size_t bytes = sizeof(FileRead) << kReadBits;
    auto* made = static_cast<FileRead*>(MapWipedOnFork(bytes));
    if (made == nullptr) {
      return nullptr;
    }
    if (__atomic_compare_exchange_n(&g_image->file_reads, &reads, made, false, __ATOMIC_ACQ_REL,
                                    __ATOMIC_ACQUIRE)) {
      reads = made;
    } else {
      Unmap(made, bytes);
    }
  }
  return &reads[key >> (64 - kReadBits)];
}

// A stack costs much: it is remembered by place and situation, like that of a lock.
trace::Ref StackOfOpen(const Site& site) {
  Thread* thread = t_thread;
  if (thread->slot != nullptr) {
    const uint64_t key = SiteKey(site) ^ kOpenPlace ^ HeldHash(thread);
    if (CacheEntry known; FindForCallers(thread, site, key, &known)) {
      return known.stack;
    }
  }
  const Entry entry(Entry::Open::kOnlyIfOpen);
  if (!entry) {
    return 0;
  }
  thread = entry.thread();
  const trace::Ref stack = StackOf(thread, site);
  const uint64_t key = SiteKey(site) ^ kOpenPlace ^ HeldHash(thread);
  const Callers callers = FindCallers(site, thread->stack_low, thread->stack_high);
  RememberForCallers(thread, site, CacheEntry{key, stack, 0, callers, CallerSum(site, callers), 0});
  return stack;
}

// Threads may meet at one entry: the key is stored last and cleared first.
void Remember(uint64_t key, const Site& site) {
  FileRead* entry = EntryOf(key);
  if (entry == nullptr) {
    return;
  }
  const FileRead read{key, NowNs(), StackOfOpen(site), site.return_address};
  __atomic_store_n(&entry->key, uint64_t{0}, __ATOMIC_RELEASE);
  entry->time_ns = read.time_ns;
  entry->stack = read.stack;
  entry->return_address = read.return_address;
  __atomic_store_n(&entry->key, key, __ATOMIC_RELEASE);
}

// What was remembered; it is forgotten then.
bool Recall(uint64_t key, FileRead* read) {
  FileRead* entry = EntryOf(key);
  if (entry == nullptr || __atomic_load_n(&entry->key, __ATOMIC_ACQUIRE) != key) {
    return false;
  }
  *read = *entry;
  uint64_t expected = key;
  return __atomic_compare_exchange_n(&entry->key, &expected, uint64_t{0}, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_RELAXED);
}

bool MakeAbsolute(const char* path, TextBuffer* absolute) {
  absolute->Clear();
  if (path[0] != '/') {
    char folder[TextBuffer::kCapacity];
    const long bytes = RawSyscall(SYS_getcwd, ToRaw(folder), sizeof(folder));
    if (bytes <= 1 || folder[0] != '/') {
      return false;
    }
    absolute->Append(bytes == 2 ? "" : folder);
    absolute->Append("/");
    while (StartsWith(path, "./")) {
      path += 2;
    }
  }
  absolute->Append(path);
  return absolute->size() < TextBuffer::kCapacity - 1;
}

uint64_t HashText(const char* text) {
  uint64_t hash = 1;
  for (; *text != '\0'; ++text) {
    hash = hash * 0x9E3779B97F4A7C15u + static_cast<unsigned char>(*text);
  }
  return MixBits(hash) | 1;
}

// What rewrote the file that was read before.
struct Rewrite {
  trace::FileWay way;
  uint64_t time_ns;
  const char* path;
  const char* source;
  uint32_t flags;
};

void AddInterval(trace::FileUpdateRecord* record, const FileRead& read, const Rewrite& rewrite) {
  constexpr uint64_t half = trace::kFileIntervals / 2;
  const uint64_t count = record->count;
  const uint64_t at = count < trace::kFileIntervals ? count : half + (count - trace::kFileIntervals) % half;
  record->intervals[at] = trace::FileInterval{read.time_ns, rewrite.time_ns};
  if (at >= record->interval_count) {
    __atomic_store_n(&record->interval_count, static_cast<uint32_t>(at + 1), __ATOMIC_RELEASE);
  }
  record->count = count + 1;
}

void Record(const FileRead& read, const Rewrite& rewrite, const Site& site) {
  TextBuffer path;
  struct stat status;
  if (!MakeAbsolute(rewrite.path, &path) || IsOfTheKernel(path.text()) ||
      strstr(path.text(), "/__pycache__/") != nullptr ||
      RawSyscall(SYS_newfstatat, AT_FDCWD, ToRaw(rewrite.path), ToRaw(&status), 0) != 0 ||
      !S_ISREG(status.st_mode)) {
    return;
  }
  const Entry entry;
  if (!entry) {
    return;
  }
  Thread* thread = entry.thread();
  const trace::Ref read_stack = read.stack != 0 ? read.stack : RecordPlace(read.return_address);
  const trace::Ref write_stack = StackOf(thread, site);
  const uint64_t place =
      MixBits(uint64_t{read_stack} << 32 | write_stack) ^ static_cast<uint64_t>(rewrite.way);
  const uint64_t key =
      MixBits(place ^ HashText(path.text()) ^ MixBits(thread->ref ^ HeldHash(thread)) ^ rewrite.flags) | 1;
  if (const uint64_t known = g_image->file_updates.Find(key); known != 0) {
    AddInterval(g_trace.At<trace::FileUpdateRecord>(static_cast<trace::Ref>(known)), read, rewrite);
    return;
  }
  if (g_image->file_update_places.Add(&g_image->arena, place | 1, 1) > kUpdatesPerPlace ||
      __atomic_add_fetch(&g_image->file_update_count, 1, __ATOMIC_RELAXED) > kMostUpdates) {
    __atomic_fetch_add(&g_trace.header()->counters.dependencies_folded, 1, __ATOMIC_RELAXED);
    return;
  }
  trace::Ref ref = 0;
  auto* record = g_trace.Append<trace::FileUpdateRecord>(trace::Type::kFileUpdate, 0, &ref);
  if (record == nullptr) {
    return;
  }
  record->thread = thread->ref;
  record->path = RecordText(path.text());
  if (rewrite.source != nullptr && MakeAbsolute(rewrite.source, &path)) {
    record->source = RecordText(path.text());
  }
  record->read_stack = read_stack;
  record->write_stack = write_stack;
  record->held = SnapshotHeld(thread);
  record->way = static_cast<uint32_t>(rewrite.way);
  record->flags = rewrite.flags;
  record->device = status.st_dev;
  record->inode = status.st_ino;
  AddInterval(record, read, rewrite);
  g_trace.Commit(record);
  g_image->file_updates.Put(&g_image->arena, key, ref);
}

}  // namespace

void AfterOpen(const char* path, int flags, const Site& site) {
  NoteOpenedFile();
  if (!IsActive() || (flags & (O_APPEND | O_PATH | O_DIRECTORY)) != 0 || IsOfTheKernel(path)) {
    return;
  }
  const uint64_t key = KeyOf(path);
  if ((flags & O_ACCMODE) == O_RDONLY) {
    if ((flags & O_TRUNC) == 0) {
      Remember(key, site);
    }
    return;
  }
  if ((flags & O_CREAT) != 0 && (flags & O_EXCL) != 0) {
    Remember(MixBits(key ^ kCreation) | 1, site);
    return;
  }
  if ((flags & O_TRUNC) == 0) {
    if ((flags & O_ACCMODE) == O_RDWR) {
      Remember(key, site);
    }
    return;
  }
  const uint64_t now = NowNs();
  FileRead read;
  if (Recall(key, &read)) {
    Record(read, Rewrite{trace::FileWay::kEmptied, now, path, nullptr, 0}, site);
  }
}

void AfterRename(const char* from, const char* to, const Site& site) {
  if (!IsActive()) {
    return;
  }
  const uint64_t now = NowNs();
  FileRead created;
  const bool exclusive = Recall(MixBits(KeyOf(from) ^ kCreation) | 1, &created);
  FileRead read;
  if (Recall(KeyOf(to), &read)) {
    Record(read, Rewrite{trace::FileWay::kReplaced, now, to, from, exclusive ? trace::kSourceExclusive : 0u},
           site);
  }
}

void AfterTruncate(const char* path, const Site& site) {
  if (!IsActive()) {
    return;
  }
  const uint64_t now = NowNs();
  FileRead read;
  if (Recall(KeyOf(path), &read)) {
    Record(read, Rewrite{trace::FileWay::kEmptied, now, path, nullptr, 0}, site);
  }
}

void AfterFolderChange() {
  if (t_vfork_depth == 0) {
    __atomic_fetch_add(&g_image->folder_changes, 1, __ATOMIC_RELAXED);
  }
}

}  // namespace gordian::record
