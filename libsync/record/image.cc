#include "libsync/record/image.h"

#include <fcntl.h>
#include <linux/mman.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cstring>

#include "libsync/record/descriptors.h"
#include "libsync/record/profile.h"
#include "libsync/record/raw.h"
#include "libsync/record/stack.h"
#include "libsync/record/text.h"

namespace gordian::record {

constinit Config g_config{};
namespace {
constinit Image g_no_image{};
}  // namespace
constinit Image* g_image = &g_no_image;
constinit TraceFile g_trace{};
constinit Lineage g_lineage{};

namespace {

// Facts about the process that cost a file each; a fork child keeps those that do not change.
struct Identity {
  char boot_id[40];
  char executable[512];
  uint32_t command_bytes;
  char command[1024];
};
constinit Identity g_identity{};

constexpr long kPageBytes = 4096;
// The arena's first chunk follows.
constexpr long kImageBytes = (sizeof(Image) + kPageBytes - 1) & ~(kPageBytes - 1);

uint64_t RandomNonce() {
  uint64_t nonce = 0;
  if (RawSyscall(SYS_getrandom, ToRaw(&nonce), sizeof(nonce), 1 /* GRND_NONBLOCK */) != sizeof(nonce)) {
    nonce = MixBits(NowNs() ^ static_cast<uint64_t>(RawGetpid()) << 40);
  }
  return nonce | 1;
}

// Field 22 of /proc/self/stat. The name in field 2 may hold spaces and parentheses: count from the last ')'.
uint64_t StartTicks(int32_t* session) {
  char text[1024];
  const long bytes = ReadSmallFile("/proc/self/stat", text, sizeof(text));
  if (bytes <= 0) {
    return 0;
  }
  const char* at = strrchr(text, ')');
  uint64_t value = 0;
  for (int field = 2; at != nullptr && *at != '\0' && field < 22; ++at) {
    if (*at != ' ') {
      continue;
    }
    ++field;
    value = ParseUnsigned(at + 1);
    if (field == 6) {
      *session = static_cast<int32_t>(value);
    }
  }
  return value;
}

// As /proc/self/cmdline has them.
uint32_t CopyArguments(int count, char** arguments, char* out, size_t room) {
  size_t used = 0;
  for (int i = 0; arguments != nullptr && i < count && used < room; ++i) {
    const size_t bytes = strnlen(arguments[i], room - used);
    memcpy(out + used, arguments[i], bytes);
    used += bytes + 1;
  }
  return static_cast<uint32_t>(used < room ? used : room);
}

void ReadIdentity(int argument_count, char** arguments) {
  ReadSmallFile("/proc/sys/kernel/random/boot_id", g_identity.boot_id, sizeof(g_identity.boot_id));
  g_identity.boot_id[36] = '\0';
  const long path = RawSyscall(SYS_readlinkat, AT_FDCWD, ToRaw("/proc/self/exe"),
                               ToRaw(g_identity.executable), sizeof(g_identity.executable) - 1);
  g_identity.executable[path > 0 ? path : 0] = '\0';
  g_identity.command_bytes =
      CopyArguments(argument_count, arguments, g_identity.command, sizeof(g_identity.command) - 1);
}

// <8 hex of the boot id>-<pid>-<start ticks>-<image>.trace
void TraceName(TextBuffer* name, const char* directory, int32_t pid, uint64_t ticks, uint32_t image) {
  name->Clear();
  name->Append(directory);
  name->Append("/");
  name->Append(g_identity.boot_id, 8);
  name->Append("-");
  name->AppendNumber(static_cast<uint64_t>(pid));
  name->Append("-");
  name->AppendNumber(ticks);
  name->Append("-");
  name->AppendNumber(image);
}

// A file without content says to the reader what no trace can.
void LeaveLostMark(TextBuffer* name, OpenResult why) {
  name->Append(why == OpenResult::kSpace   ? ".lost-space"
               : why == OpenResult::kLimit ? ".lost-limit"
                                           : ".lost-denied");
  const long fd =
      RawSyscall(SYS_openat, AT_FDCWD, ToRaw(name->text()), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd >= 0) {
    RawSyscall(SYS_close, fd);
  }
}

OpenResult CreateTrace(int32_t pid, uint64_t ticks, uint32_t* image) {
  TextBuffer name;
  OpenResult result = OpenResult::kDenied;
  const char* const directories[] = {g_config.run_directory, g_config.drop_directory};
  for (const char* directory : directories) {
    if (directory[0] == '\0') {
      continue;
    }
    for (*image = 0; *image < 100000; ++*image) {
      TraceName(&name, directory, pid, ticks, *image);
      name.Append(".trace");
      result = g_trace.Create(name.text());
      if (result != OpenResult::kExists) {
        break;
      }
    }
    if (result != OpenResult::kDenied) {
      break;  // a private folder that this user may not enter is the one reason to try the drop folder
    }
  }
  if (result == OpenResult::kOk) {
    memcpy(g_image->trace_path, name.text(), name.size() + 1);
  } else {
    TraceName(&name, g_config.run_directory, pid, ticks, *image);
    LeaveLostMark(&name, result);
  }
  return result;
}

void FillHeader(int32_t pid, uint64_t ticks, int32_t session, uint32_t image) {
  trace::FileHeader* header = g_trace.header();
  header->version = trace::kLayoutVersion;
  header->endian = trace::kEndianMark;
  header->header_bytes = sizeof(trace::FileHeader);
  header->flags = (g_config.use_tags ? trace::kTagsWork : 0u) |
                  (g_config.hooks_proved ? trace::kHooksWork : 0u) |
                  (g_lineage.count > 0 ? trace::kForkChild : 0u) |
                  (g_config.watcher_image_pid == pid ? trace::kPrivateTracer : 0u) |
                  (g_config.misses_frees ? trace::kFreesUnseen : 0u);
  header->nonce = g_image->nonce;
  header->parent_nonce = g_lineage.count > 0 ? g_lineage.ancestors[g_lineage.count - 1].nonce : 0;
  memcpy(header->boot_id, g_identity.boot_id, sizeof(header->boot_id));
  header->pid = pid;
  header->ppid = static_cast<int32_t>(RawSyscall(SYS_getppid));
  header->start_ticks = ticks;
  header->image = image;
  header->uid = static_cast<uint32_t>(RawSyscall(SYS_getuid));
  struct stat status {};
  if (RawSyscall(SYS_newfstatat, AT_FDCWD, ToRaw("/proc/self/ns/pid"), ToRaw(&status), 0) == 0) {
    header->pid_namespace = status.st_ino;
  }
  header->start_mono_ns = NowNs();
  timespec real;
  g_clock_gettime(CLOCK_REALTIME, &real);
  header->start_real_ns =
      static_cast<uint64_t>(real.tv_sec) * 1000000000u + static_cast<uint64_t>(real.tv_nsec);
  header->session = session;
  memcpy(header->executable, g_identity.executable, sizeof(header->executable));
  header->command_bytes = g_identity.command_bytes;
  memcpy(header->command, g_identity.command, sizeof(header->command));
  __atomic_thread_fence(__ATOMIC_RELEASE);
  memcpy(header->magic, trace::kMagic, sizeof(header->magic));
}

// What this image was forked from is an ancestor now: its locks may come back to us, tagged by it.
void AdoptLineage() {
  // This image has no trace yet (its state was zero), so the last trace is another's. Not judged by pid: a
  // child in a new pid namespace may have its parent's.
  if (g_lineage.current_nonce == 0) {
    return;
  }
  if (g_lineage.count == kMaxAncestors) {
    memmove(&g_lineage.ancestors[0], &g_lineage.ancestors[1], sizeof(Ancestor) * (kMaxAncestors - 1));
    --g_lineage.count;
  }
  Ancestor& ancestor = g_lineage.ancestors[g_lineage.count++];
  ancestor.nonce = g_lineage.current_nonce;
  ancestor.trace = g_trace;
  g_trace = TraceFile{};
  g_lineage.current_nonce = 0;
}

bool Open() {
  const int32_t pid = RawGetpid();
  AdoptLineage();
  if (g_lineage.count > 0 && !g_config.children) {
    return false;
  }
  int32_t session = 0;
  const uint64_t ticks = StartTicks(&session);
  g_image->nonce = RandomNonce();
  uint32_t image = 0;
  if (CreateTrace(pid, ticks, &image) != OpenResult::kOk) {
    return false;
  }
  FillHeader(pid, ticks, session, image);
  g_lineage.current_nonce = g_image->nonce;
  RecordFirstReading();
  if (g_lineage.own_child_record != nullptr) {
    __atomic_fetch_or(&g_lineage.own_child_record->flags, trace::kChildTraced, __ATOMIC_RELAXED);
  }
  return true;
}

}  // namespace

bool Prepare(int argument_count, char** arguments) {
  ReadIdentity(argument_count, arguments);
  auto* image = static_cast<Image*>(MapWipedOnFork(kImageBytes + Arena::kChunk));
  if (image == nullptr) {
    return false;
  }
  image->descriptors_duplicated = g_image->descriptors_duplicated;  // by constructors before ours
  g_image = image;
  // What every image writes to at once. Where this is refused, each page costs a fault.
  RawSyscall(SYS_madvise, ToRaw(g_image), kImageBytes + kPageBytes, MADV_POPULATE_WRITE);
  // A fork child does not begin with it: what its parent kept there shall have no second meaning in the
  // child.
  g_image->arena.Begin(reinterpret_cast<char*>(g_image) + kImageBytes);
  PrepareDescriptors();
  return true;
}

bool EnsureOpen() {
  if (g_no_syscalls && !IsReady()) {
    return false;
  }
  uint32_t state = __atomic_load_n(&g_image->state, __ATOMIC_ACQUIRE);
  if (state == static_cast<uint32_t>(ImageState::kReady)) {
    return true;
  }
  if (state != static_cast<uint32_t>(ImageState::kNone) ||
      !__atomic_compare_exchange_n(&g_image->state, &state, static_cast<uint32_t>(ImageState::kOpening),
                                   false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
    return false;  // off, or another thread is just opening: this one call goes unrecorded
  }
  const bool opened = Open();
  __atomic_store_n(&g_image->state, static_cast<uint32_t>(opened ? ImageState::kReady : ImageState::kOff),
                   __ATOMIC_RELEASE);
  return opened;
}

void SwitchOff(const char* reason) {
  if (!IsReady()) {
    return;
  }
  trace::FileHeader* header = g_trace.header();
  strncpy(header->off_reason, reason, sizeof(header->off_reason) - 1);
  __atomic_fetch_or(&header->flags, trace::kRecorderOff, __ATOMIC_RELAXED);
  __atomic_store_n(&g_image->state, static_cast<uint32_t>(ImageState::kOff), __ATOMIC_RELEASE);
}

void StopSystemCalls() {
  constexpr uint64_t reserve = 256 << 10;
  if (IsReady()) {
    g_trace.Freeze(reserve);
    __atomic_fetch_or(&g_trace.header()->flags, trace::kSeccomp, __ATOMIC_RELAXED);
  }
  StopProfileClock();
  g_last_ns = NowNs();
  g_no_syscalls = true;
}

void RecordEnd(trace::End end, uint32_t detail, trace::Ref thread, trace::Ref stack) {
  trace::FileHeader* header = g_trace.header();
  header->end_detail = detail;
  header->end_thread = thread;
  header->end_stack = stack;
  header->end_mono_ns = NowNs();
  RecordLastReading();
  __atomic_store_n(&header->end, static_cast<uint32_t>(end), __ATOMIC_RELEASE);
}

}  // namespace gordian::record
