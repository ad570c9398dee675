#include "libsync/inspect/libc_layout.h"

#include <gnu/libc-version.h>
#include <pthread.h>
#include <semaphore.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <iterator>
#include <string_view>
#include <vector>

namespace gordian::inspect {
namespace {

// 2.25 gave the read-write lock and the condition the form that they still have; later versions took fields
// out of the condition.
constexpr LibcLayout kLayouts[] = {
    {"x86_64", 25, 40, 8, 12, 16, 8, 12, 24, 28, 48, 40, 36, 8, 4, 16, 0x10, 0x2d0},
    {"x86_64", 41, 42, 8, 12, 16, 8, 12, 24, 28, 48, kUnknownOffset, kUnknownOffset, 8, 4, 16, 0x10, 0x2d0},
};

// A statically linked program does not say its version: what all versions agree in is enough.
constexpr LibcLayout kStaticLayout = {"x86_64",       0, 0, 8,  12,   16,   8, 12, 24, 28, 48, kUnknownOffset,
                                      kUnknownOffset, 8, 4, 16, 0x10, 0x2d0};

constexpr std::string_view kBanner = "GNU C Library";
constexpr std::string_view kVersion = "release version 2.";
constexpr uint64_t kMostText = uint64_t{8} << 20;

int VersionIn(std::string_view text) {
  const size_t banner = text.find(kBanner);
  const size_t version = banner == std::string_view::npos ? banner : text.find(kVersion, banner);
  if (version == std::string_view::npos || version - banner > 200) {
    return 0;
  }
  text.remove_prefix(version + kVersion.size());
  int minor = 0;
  std::from_chars(text.data(), text.data() + std::min<size_t>(text.size(), 4), minor);
  return minor;
}

int VersionIn(const AddressSpace& space, const trace::Module& module, const Memory& memory) {
  for (const Mapping& mapping : space.mappings) {
    if (mapping.start < module.start || mapping.end > module.end || mapping.executable ||
        mapping.end - mapping.start > kMostText) {
      continue;
    }
    std::string text(mapping.end - mapping.start, '\0');
    text.resize(memory.Read(mapping.start, text.data(), text.size()));
    if (const int minor = VersionIn(text); minor != 0) {
      return minor;
    }
  }
  return 0;
}

// Reads a field of an object of our own as a field of somebody else's is read.
uint32_t Field(const void* object, uint32_t offset) {
  uint32_t value = 0;
  std::memcpy(&value, static_cast<const char*>(object) + offset, sizeof(value));
  return value;
}

}  // namespace

bool IsLibc(std::string_view path) {
  const std::string_view name = path.substr(path.rfind('/') + 1);
  return name == "libc.so.6" || (name.starts_with("libc-2.") && name.ends_with(".so"));
}

const LibcLayout* FindLayout(int minor) {
  const auto* const found =
      std::find_if(std::begin(kLayouts), std::end(kLayouts), [minor](const LibcLayout& l) {
        return std::string_view(l.machine) == "x86_64" && minor >= l.first && minor <= l.last;
      });
  return found == std::end(kLayouts) ? nullptr : found;
}

int LibcMinorVersion(const AddressSpace& space, const Memory& memory) {
  for (const trace::Module& module : space.modules) {
    if (const int minor = IsLibc(module.path) ? VersionIn(space, module, memory) : 0; minor != 0) {
      return minor;
    }
  }
  return 0;
}

const LibcLayout* LayoutOf(const AddressSpace& space, const Memory& memory) {
  const auto is_loader = [](const trace::Module& module) {
    return module.path.substr(module.path.rfind('/') + 1).starts_with("ld-");
  };
  if (std::none_of(space.modules.begin(), space.modules.end(), is_loader)) {
    return &kStaticLayout;
  }
  return FindLayout(LibcMinorVersion(space, memory));
}

std::string TestLayout() {
  int minor = 0;
  const std::string_view version = gnu_get_libc_version();
  std::from_chars(version.data() + std::min<size_t>(version.size(), 2), version.data() + version.size(),
                  minor);
  const LibcLayout* layout = FindLayout(minor);
  if (layout == nullptr) {
    return "the layout of glibc " + std::string(version) + " is not known";
  }
  const auto self = static_cast<uint32_t>(gettid());
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
  pthread_mutex_t mutex;
  pthread_mutex_init(&mutex, &attributes);
  pthread_mutexattr_destroy(&attributes);
  pthread_mutex_lock(&mutex);
  const bool mutex_is_so = Field(&mutex, 0) != 0 && Field(&mutex, layout->mutex_owner) == self &&
                           Field(&mutex, layout->mutex_users) == 1 &&
                           Field(&mutex, layout->mutex_kind) == PTHREAD_MUTEX_RECURSIVE;
  pthread_mutex_unlock(&mutex);
  pthread_mutex_destroy(&mutex);

  pthread_rwlock_t rwlock = PTHREAD_RWLOCK_WRITER_NONRECURSIVE_INITIALIZER_NP;
  pthread_rwlock_wrlock(&rwlock);
  const bool rwlock_is_so =
      Field(&rwlock, layout->rwlock_current_writer) == self && Field(&rwlock, layout->rwlock_shared) == 0 &&
      Field(&rwlock, layout->rwlock_flags) == PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP;
  pthread_rwlock_unlock(&rwlock);
  pthread_rwlock_destroy(&rwlock);

  sem_t semaphore;
  sem_init(&semaphore, 1, 7);
  const bool semaphore_is_so = Field(&semaphore, 0) == 7 && Field(&semaphore, layout->semaphore_shared) != 0;
  sem_destroy(&semaphore);

  const auto* thread = reinterpret_cast<const char*>(pthread_self());
  uint64_t own_address = 0;
  std::memcpy(&own_address, thread + layout->thread_self, sizeof(own_address));
  const bool thread_is_so =
      own_address == reinterpret_cast<uint64_t>(thread) && Field(thread, layout->thread_tid) == self;

  std::string wrong;
  const auto check = [&wrong](bool good, const char* what) {
    if (!good) {
      wrong += (wrong.empty() ? "" : ", ") + std::string(what);
    }
  };
  check(mutex_is_so, "pthread_mutex_t");
  check(rwlock_is_so, "pthread_rwlock_t");
  check(semaphore_is_so, "sem_t");
  check(thread_is_so, "struct pthread");
  return wrong.empty() ? "" : "glibc " + std::string(version) + " is not as the table says: " + wrong;
}

}  // namespace gordian::inspect
