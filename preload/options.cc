#include "preload/options.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>

#include "libsync/record/raw.h"
#include "libsync/record/text.h"

namespace gordian::preload {
namespace {

bool MatchesAny(const char* globs, size_t bytes, const char* name) {
  const char* end = globs + bytes;
  while (globs < end) {
    const void* comma = memchr(globs, ',', static_cast<size_t>(end - globs));
    const char* stop = comma == nullptr ? end : static_cast<const char*>(comma);
    if (record::GlobMatch(globs, static_cast<size_t>(stop - globs), name)) {
      return true;
    }
    globs = stop + 1;
  }
  return false;
}

}  // namespace

const char* FindOption(const char* options, const char* key, size_t* bytes) {
  const size_t key_bytes = strlen(key);
  while (options != nullptr && *options != '\0') {
    const size_t entry = strcspn(options, ":");
    if (entry > key_bytes && options[key_bytes] == '=' && strncmp(options, key, key_bytes) == 0) {
      *bytes = entry - key_bytes - 1;
      return options + key_bytes + 1;
    }
    options += entry + (options[entry] == ':');
  }
  return nullptr;
}

bool CopyOption(const char* options, const char* key, char* out, size_t room) {
  size_t bytes = 0;
  const char* value = FindOption(options, key, &bytes);
  if (value == nullptr || bytes == 0 || bytes >= room) {
    return false;
  }
  memcpy(out, value, bytes);
  out[bytes] = '\0';
  return true;
}

bool OptionIs(const char* options, const char* key, const char* value) {
  size_t bytes = 0;
  const char* found = FindOption(options, key, &bytes);
  return found != nullptr && bytes == strlen(value) && memcmp(found, value, bytes) == 0;
}

bool IsSelected(const char* options) {
  size_t only_bytes = 0;
  size_t skip_bytes = 0;
  const char* only = FindOption(options, "only", &only_bytes);
  const char* skip = FindOption(options, "skip", &skip_bytes);
  if (only == nullptr && skip == nullptr) {
    return true;
  }
  char executable[512];
  const long bytes = record::RawSyscall(SYS_readlinkat, AT_FDCWD, record::ToRaw("/proc/self/exe"),
                                        record::ToRaw(executable), sizeof(executable) - 1);
  executable[bytes > 0 ? bytes : 0] = '\0';
  const char* slash = strrchr(executable, '/');
  const char* name = slash == nullptr ? executable : slash + 1;
  return (only == nullptr || MatchesAny(only, only_bytes, name)) &&
         (skip == nullptr || !MatchesAny(skip, skip_bytes, name));
}

void SetOptionsVariable(const char* value) {
  size_t count = 0;
  while (environ != nullptr && environ[count] != nullptr) {
    ++count;
  }
  const size_t name = strlen(kOptionsVariable);
  const size_t text = name + 1 + strlen(value) + 1;
  const long memory = record::RawSyscall(SYS_mmap, 0, static_cast<long>((count + 2) * sizeof(char*) + text),
                                         PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory < 0 && memory > -4096) {
    return;
  }
  char** entries = reinterpret_cast<char**>(memory);
  size_t kept = 0;
  for (size_t i = 0; i < count; ++i) {
    if (strncmp(environ[i], kOptionsVariable, name) != 0 || environ[i][name] != '=') {
      entries[kept++] = environ[i];
    }
  }
  char* entry = reinterpret_cast<char*>(entries + count + 2);
  memcpy(entry, kOptionsVariable, name + 1);
  entry[name] = '=';
  memcpy(entry + name + 1, value, strlen(value) + 1);
  entries[kept] = entry;
  environ = entries;
}

}  // namespace gordian::preload
