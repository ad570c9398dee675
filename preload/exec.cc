#include "preload/exec.h"

#include <elf.h>
#include <fcntl.h>
#include <unistd.h>

#include <cstring>

#include "libsync/record/image.h"
#include "libsync/record/raw.h"
#include "libsync/record/text.h"

using namespace gordian::record;

namespace gordian::preload {
namespace {

constexpr char kShimName[] = "libgordian_preload.so";
constexpr char kCheckFreeName[] = "libgordian_check_free.so";
constexpr char kPreload[] = "LD_PRELOAD=";
constexpr size_t kPreloadBytes = sizeof(kPreload) - 1;

struct Head {
  char bytes[512];
  long count;
};

long OpenProgram(const char* path) {
  return RawSyscall(SYS_openat, AT_FDCWD, ToRaw(path), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
}

// As execvpe and posix_spawnp look: a name with a slash is a path, else every folder of this process's own
// PATH.
long OpenSearched(const char* file) {
  if (strchr(file, '/') != nullptr) {
    return OpenProgram(file);
  }
  const char* path = "/bin:/usr/bin";
  for (char* const* entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    if (strncmp(*entry, "PATH=", 5) == 0) {
      path = *entry + 5;
      break;
    }
  }
  while (true) {
    const char* end = strchr(path, ':');
    const size_t bytes = end == nullptr ? strlen(path) : static_cast<size_t>(end - path);
    TextBuffer candidate;
    candidate.Append(path, bytes);
    candidate.Append(bytes == 0 ? "./" : "/");
    candidate.Append(file);
    if (RawSyscall(SYS_faccessat, AT_FDCWD, ToRaw(candidate.text()), 1 /* X_OK */) == 0) {
      return OpenProgram(candidate.text());
    }
    if (end == nullptr) {
      return -1;
    }
    path = end + 1;
  }
}

constexpr int kMostSegments = 32;

struct Segments {
  int count;
  Elf64_Phdr at[kMostSegments];
};

// The file offset of a virtual address; -1 if no segment has it.
long FileOffset(const Segments& segments, uint64_t address) {
  for (int i = 0; i < segments.count; ++i) {
    const Elf64_Phdr& segment = segments.at[i];
    if (segment.p_type == PT_LOAD && address - segment.p_vaddr < segment.p_filesz) {
      return static_cast<long>(segment.p_offset + (address - segment.p_vaddr));
    }
  }
  return -1;
}

// gcc's dynamic libasan ends the program at its start when any library was loaded before it.
bool NeedsAsanFirst(long fd, const Segments& segments, const Elf64_Phdr& dynamic) {
  Elf64_Dyn entries[128];
  const size_t bytes = dynamic.p_filesz < sizeof(entries) ? dynamic.p_filesz : sizeof(entries);
  const long got = RawSyscall(SYS_pread64, fd, ToRaw(entries), static_cast<long>(bytes),
                              static_cast<long>(dynamic.p_offset));
  const long count = got / static_cast<long>(sizeof(Elf64_Dyn));
  long strings = -1;
  for (long i = 0; i < count; ++i) {
    if (entries[i].d_tag == DT_STRTAB) {
      strings = FileOffset(segments, entries[i].d_un.d_ptr);
    }
  }
  for (long i = 0; strings >= 0 && i < count && entries[i].d_tag != DT_NULL; ++i) {
    char name[16] = {};
    if (entries[i].d_tag == DT_NEEDED &&
        RawSyscall(SYS_pread64, fd, ToRaw(name), sizeof(name) - 1,
                   strings + static_cast<long>(entries[i].d_un.d_val)) > 0 &&
        strncmp(name, "libasan.so", 10) == 0) {
      return true;
    }
  }
  return false;
}

bool IsForeignElf(const Head& head, long fd) {
  if (head.bytes[EI_CLASS] != ELFCLASS64) {
    return true;
  }
  const auto* header = reinterpret_cast<const Elf64_Ehdr*>(head.bytes);
  Segments segments{};
  segments.count = header->e_phnum < kMostSegments ? header->e_phnum : kMostSegments;
  const long bytes = segments.count * static_cast<long>(sizeof(Elf64_Phdr));
  if (RawSyscall(SYS_pread64, fd, ToRaw(segments.at), bytes, static_cast<long>(header->e_phoff)) != bytes) {
    return false;
  }
  for (int i = 0; i < segments.count; ++i) {
    const Elf64_Phdr& segment = segments.at[i];
    if (segment.p_type == PT_INTERP) {
      char interpreter[64] = {};
      RawSyscall(SYS_pread64, fd, ToRaw(interpreter), sizeof(interpreter) - 1,
                 static_cast<long>(segment.p_offset));
      if (strstr(interpreter, "ld-musl") != nullptr) {
        return true;
      }
    } else if (segment.p_type == PT_DYNAMIC && NeedsAsanFirst(fd, segments, segment)) {
      return true;
    }
  }
  return false;
}

bool IsForeign(long fd, int depth) {
  if (fd < 0) {
    return false;
  }
  alignas(8) Head head{};
  head.count = RawSyscall(SYS_pread64, fd, ToRaw(head.bytes), sizeof(head.bytes) - 1, 0);
  bool foreign = false;
  if (head.count > static_cast<long>(sizeof(Elf64_Ehdr)) && memcmp(head.bytes, ELFMAG, SELFMAG) == 0) {
    foreign = IsForeignElf(head, fd);
  } else if (depth == 0 && head.count > 2 && head.bytes[0] == '#' && head.bytes[1] == '!') {
    char* name = head.bytes + 2;
    name += strspn(name, " \t");
    name[strcspn(name, " \t\n")] = '\0';
    foreign = IsForeign(OpenProgram(name), depth + 1);
  }
  RawSyscall(SYS_close, fd);
  return foreign;
}

bool EndsWith(const char* entry, size_t bytes, const char* name) {
  const size_t length = strlen(name);
  return bytes >= length && memcmp(entry + bytes - length, name, length) == 0;
}

bool IsOurs(const char* entry, size_t bytes) {
  return EndsWith(entry, bytes, kShimName) || EndsWith(entry, bytes, kCheckFreeName);
}

char* PreloadEntry(char* const envp[]) {
  for (char* const* entry = envp; entry != nullptr && *entry != nullptr; ++entry) {
    if (strncmp(*entry, kPreload, kPreloadBytes) == 0) {
      return *entry;
    }
  }
  return nullptr;
}

// "a:ours b" -> "a:b"; the separators that LD_PRELOAD knows are colon and space.
void CopyOthers(const char* list, char* out) {
  bool first = true;
  while (*list != '\0') {
    const size_t bytes = strcspn(list, ": ");
    if (bytes != 0 && !IsOurs(list, bytes)) {
      if (!first) {
        *out++ = ':';
      }
      memcpy(out, list, bytes);
      out += bytes;
      first = false;
    }
    list += bytes + (list[bytes] != '\0');
  }
  *out = '\0';
}

bool CanRead(char* const list[]) {
  ReadableMemory memory;
  for (; memory.Covers(list) && memory.Covers(reinterpret_cast<const char*>(list + 1) - 1); ++list) {
    if (*list == nullptr) {
      return true;
    }
    if (memory.LengthOf(*list) < 0) {
      return false;
    }
  }
  return false;
}

bool HasShim(char* const envp[]) {
  if (!g_config.on || g_no_syscalls || envp == nullptr || !CanRead(envp)) {
    return false;
  }
  const char* preload = PreloadEntry(envp);
  return preload != nullptr && strstr(preload, kShimName) != nullptr;
}

}  // namespace

bool CannotLoadShim(const char* file, bool search, char* const envp[]) {
  return file != nullptr && ReadableMemory().LengthOf(file) >= 0 && HasShim(envp) &&
         IsForeign(search ? OpenSearched(file) : OpenProgram(file), 0);
}

bool CannotLoadShimAt(int directory, const char* path, int flags, char* const envp[]) {
  if (path == nullptr || ReadableMemory().LengthOf(path) < 0 || !HasShim(envp)) {
    return false;
  }
  if (path[0] == '\0' && (flags & AT_EMPTY_PATH) != 0) {
    TextBuffer self;  // the descriptor itself may not be open for reading
    self.Append("/proc/self/fd/");
    self.AppendNumber(static_cast<uint64_t>(directory));
    return IsForeign(OpenProgram(self.text()), 0);
  }
  return IsForeign(RawSyscall(SYS_openat, directory, ToRaw(path), O_RDONLY | O_CLOEXEC | O_NONBLOCK), 0);
}

size_t RoomWithoutShim(char* const envp[]) {
  size_t count = 1;
  while (envp[count - 1] != nullptr) {
    ++count;
  }
  return count * sizeof(char*) + strlen(PreloadEntry(envp)) + 1;
}

char* const* WithoutShim(char* const envp[], void* room) {
  char** out = static_cast<char**>(room);
  size_t count = 0;
  while (envp[count] != nullptr) {
    ++count;
  }
  char* text = reinterpret_cast<char*>(out + count + 1);
  size_t kept = 0;
  for (size_t i = 0; i < count; ++i) {
    if (strncmp(envp[i], kPreload, kPreloadBytes) != 0) {
      out[kept++] = envp[i];
      continue;
    }
    memcpy(text, kPreload, kPreloadBytes);
    CopyOthers(envp[i] + kPreloadBytes, text + kPreloadBytes);
    if (text[kPreloadBytes] != '\0') {
      out[kept++] = text;
    }
  }
  out[kept] = nullptr;
  return out;
}

}  // namespace gordian::preload
