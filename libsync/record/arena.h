// The recorder's private memory: mmap only, so that a program whose malloc takes a lock cannot meet us there.
//
// All of it is MADV_WIPEONFORK: a fork child, however it was made (fork, _Fork, a raw clone), finds every
// byte zero and with it the recorder in its initial state. That is how a child knows that it is one.
#ifndef GORDIAN_LIBSYNC_RECORD_ARENA_H_
#define GORDIAN_LIBSYNC_RECORD_ARENA_H_

#include <cstddef>
#include <cstdint>

#include "libsync/record/spin_lock.h"

namespace gordian::record {

// Zeroed pages that a fork child finds zeroed again; nullptr when the kernel gives none.
void* MapWipedOnFork(size_t bytes);
void Unmap(void* address, size_t bytes);

// Small blocks, cut from larger mappings and never given back: what is freed serves the next request of its
// size. Must itself lie in wiped memory. Thread-safe.
class Arena {
 public:
  static constexpr size_t kChunk = 64 * 1024;

  // Begins with a chunk of that size that is there already.
  void Begin(char* chunk);
  void* Allocate(size_t bytes);  // zeroed; nullptr when there is no memory
  void Free(void* block, size_t bytes);

 private:
  static constexpr size_t kPage = 4096;
  static constexpr int kClasses = 12;  // 16 bytes << class
  struct FreeBlock {
    FreeBlock* next;
  };
  static int ClassOf(size_t bytes);

  SpinLock lock_;
  char* at_ = nullptr;
  char* end_ = nullptr;
  FreeBlock* free_[kClasses] = {};
};

}  // namespace gordian::record

#endif  // GORDIAN_LIBSYNC_RECORD_ARENA_H_
