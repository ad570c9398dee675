#include "libsync/record/shared.h"

#include <fcntl.h>

#include "libsync/record/image.h"
#include "libsync/record/raw.h"

namespace gordian::record {
namespace {

// A table of locks in one mapping is set up within this time; a mapping that took its place meanwhile would
// have to be made and used within it.
constexpr uint64_t kFreshNs = 1'000'000;

// /proc/self/maps through a small buffer: some threads have little stack.
class MapsReader {
 public:
  explicit MapsReader(long descriptor) : descriptor_(descriptor) {}

  // The next line; its path is passed over. False at the end.
  bool Next(Mapping* mapping) {
    if (Peek() < 0) {
      return false;
    }
    mapping->start = Hex();
    mapping->end = Hex();
    Take();  // r
    Take();  // w
    Take();  // x
    mapping->shared = Take() == 's';
    Take();
    mapping->file_offset = Hex();
    const uint64_t major = Hex();
    mapping->device = major << 32 | Hex();
    mapping->inode = Decimal();
    for (int c = Take(); c >= 0 && c != '\n'; c = Take()) {
    }
    return true;
  }

 private:
  int Peek() {
    if (at_ == used_) {
      at_ = 0;
      const long got = RawSyscall(SYS_read, descriptor_, ToRaw(buffer_), sizeof(buffer_));
      used_ = got > 0 ? static_cast<int>(got) : 0;
    }
    return at_ < used_ ? static_cast<unsigned char>(buffer_[at_]) : -1;
  }
  int Take() {
    const int c = Peek();
    at_ += c >= 0 ? 1 : 0;
    return c;
  }
  // A number and the character after it.
  uint64_t Hex() {
    uint64_t value = 0;
    for (int c = Take();; c = Take()) {
      if (c >= '0' && c <= '9') {
        value = value << 4 | static_cast<uint64_t>(c - '0');
      } else if (c >= 'a' && c <= 'f') {
        value = value << 4 | static_cast<uint64_t>(c - 'a' + 10);
      } else {
        return value;
      }
    }
  }
  // A number; what comes after it may be the end of the line.
  uint64_t Decimal() {
    uint64_t value = 0;
    for (int c = Peek(); c >= '0' && c <= '9'; c = Peek()) {
      value = value * 10 + static_cast<uint64_t>(Take() - '0');
    }
    return value;
  }

  long descriptor_;
  int at_ = 0;
  int used_ = 0;
  char buffer_[1024];
};

bool AskKernel(uintptr_t address, Mapping* mapping) {
  const long descriptor = RawSyscall(SYS_openat, AT_FDCWD, ToRaw("/proc/self/maps"), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) {
    return false;
  }
  MapsReader reader(descriptor);
  bool found = false;
  while (!found && reader.Next(mapping) && mapping->start <= address) {
    found = address < mapping->end;
  }
  RawSyscall(SYS_close, descriptor);
  return found;
}

}  // namespace

bool FindMapping(uintptr_t address, Mapping* mapping) {
  if (g_no_syscalls) {
    return false;
  }
  MappingCache* cache = &g_image->mapping;
  const uint64_t now = NowNs();
  {
    const SpinGuard guard(&cache->lock);
    if (now - cache->seen_ns < kFreshNs && address >= cache->mapping.start && address < cache->mapping.end) {
      *mapping = cache->mapping;
      return true;
    }
  }
  if (!AskKernel(address, mapping)) {
    return false;
  }
  const SpinGuard guard(&cache->lock);
  cache->mapping = *mapping;
  cache->seen_ns = now;
  return true;
}

void ForgetMapping() {
  const SpinGuard guard(&g_image->mapping.lock);
  g_image->mapping.seen_ns = 0;
  g_image->mapping.mapping = Mapping{};
}

trace::Ref RecordShared(trace::SharedSpace space, uint64_t device, uint64_t inode, uint64_t offset,
                        uint64_t length) {
  const uint64_t place = MixBits(MixBits(device + static_cast<uint64_t>(space)) ^ inode);
  const uint64_t key = MixBits(MixBits(place + offset) ^ length) | 1;
  Table& known = g_image->shared.For(key);
  if (const uint64_t ref = known.Find(key); ref != 0) {
    return static_cast<trace::Ref>(ref);
  }
  trace::Ref ref = 0;
  auto* record = g_trace.Append<trace::SharedRecord>(trace::Type::kShared, 0, &ref);
  if (record == nullptr) {
    return 0;
  }
  record->space = static_cast<uint32_t>(space);
  record->device = device;
  record->inode = inode;
  record->offset = offset;
  record->length = length;
  g_trace.Commit(record, false);
  known.Put(&g_image->arena, key, ref);
  return ref;
}

trace::Ref RecordSharedMemory(uintptr_t address) {
  Mapping mapping{};
  if (!FindMapping(address, &mapping) || !mapping.shared) {
    return 0;
  }
  return RecordShared(trace::SharedSpace::kMemory, mapping.device, mapping.inode,
                      mapping.file_offset + (address - mapping.start), 0);
}

}  // namespace gordian::record
