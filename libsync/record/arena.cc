#include "libsync/record/arena.h"

#include <sys/mman.h>

#include <cstring>

namespace gordian::record {

__attribute__((tls_model("initial-exec"))) thread_local constinit SpinLock* t_spin_locks[kMostSpinLocks]{};
__attribute__((tls_model("initial-exec"))) thread_local constinit int t_spin_count = 0;

void* MapWipedOnFork(size_t bytes) {
  if (g_no_syscalls) {
    return nullptr;
  }
  const long address = RawSyscall(SYS_mmap, 0, static_cast<long>(bytes), PROT_READ | PROT_WRITE,
                                  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (address < 0 && address > -4096) {
    return nullptr;
  }
  void* memory = reinterpret_cast<void*>(address);
  // Without the wipe a child would write into its parent's trace: better to have no memory at all.
  if (RawSyscall(SYS_madvise, address, static_cast<long>(bytes), MADV_WIPEONFORK) != 0) {
    Unmap(memory, bytes);
    return nullptr;
  }
  RawSyscall(SYS_madvise, address, static_cast<long>(bytes), MADV_DONTDUMP);
  return memory;
}

void Unmap(void* address, size_t bytes) {
  if (!g_no_syscalls) {
    RawSyscall(SYS_munmap, ToRaw(address), static_cast<long>(bytes));
  }
}

int Arena::ClassOf(size_t bytes) {
  int result = 0;
  while ((size_t{16} << result) < bytes) {
    ++result;
  }
  return result;
}

void Arena::Begin(char* chunk) {
  at_ = chunk;
  end_ = chunk + kChunk;
}

void* Arena::Allocate(size_t bytes) {
  const int size_class = ClassOf(bytes);
  if (size_class >= kClasses) {
    return MapWipedOnFork((bytes + 4095) & ~size_t{4095});
  }
  const size_t block = size_t{16} << size_class;
  SpinGuard guard(&lock_);
  if (FreeBlock* reused = free_[size_class]; reused != nullptr) {
    free_[size_class] = reused->next;
    memset(reused, 0, block);
    return reused;
  }
  if (static_cast<size_t>(end_ - at_) < block) {
    char* chunk = static_cast<char*>(MapWipedOnFork(kChunk));
    if (chunk == nullptr) {
      return nullptr;
    }
    at_ = chunk;
    end_ = chunk + kChunk;
  }
  // What is large begins a page, at the other end: the state of one thread shares none with that of another,
  // and what is small lies close together.
  if (block >= kPage) {
    end_ -= block;
    return end_;
  }
  void* result = at_;
  at_ += block;
  return result;
}

void Arena::Free(void* block, size_t bytes) {
  if (block == nullptr) {
    return;
  }
  const int size_class = ClassOf(bytes);
  if (size_class >= kClasses) {
    Unmap(block, (bytes + 4095) & ~size_t{4095});
    return;
  }
  SpinGuard guard(&lock_);
  FreeBlock* freed = static_cast<FreeBlock*>(block);
  freed->next = free_[size_class];
  free_[size_class] = freed;
}

}  // namespace gordian::record
