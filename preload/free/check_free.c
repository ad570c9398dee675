// free and realloc, hooked in an object of their own: without --check-free it is not loaded, and nothing
// stands between a program and its allocator. What most calls pay is one look at a table.
#define _GNU_SOURCE
#include "preload/free/check_free.h"

#include <dlfcn.h>

struct GordianFreeCheck gordian_free_check;

extern void __libc_free(void* block);
extern void* __libc_realloc(void* block, size_t bytes);

static void (*real_free)(void*);
static void* (*real_realloc)(void*, size_t);
static void* (*real_reallocarray)(void*, size_t, size_t);
static size_t (*real_usable_size)(void*);
static int is_libc;  // libc's own allocator: a block's size stands before it

// An allocator of the program's own may stand between this object and libc. dlsym itself may come by here.
__attribute__((constructor)) static void Resolve(void) {
  static __thread int resolving __attribute__((tls_model("initial-exec")));
  if (resolving) {
    return;
  }
  resolving = 1;
  real_realloc = (void* (*)(void*, size_t))dlsym(RTLD_NEXT, "realloc");
  real_reallocarray = (void* (*)(void*, size_t, size_t))dlsym(RTLD_NEXT, "reallocarray");
  real_usable_size = (size_t(*)(void*))dlsym(RTLD_NEXT, "malloc_usable_size");
  void* found = dlsym(RTLD_NEXT, "free");
  is_libc = found == (void*)&__libc_free;
  __atomic_store_n(&real_free, (void (*)(void*))found, __ATOMIC_RELEASE);
  resolving = 0;
}

// libc's sizes count their header and are multiples of 16; what is left are flags.
static inline size_t SizeInHeader(const void* block) { return ((const size_t*)block)[-1] & ~(size_t)7; }
static size_t SizeOf(void* block) { return is_libc ? SizeInHeader(block) : real_usable_size(block); }

#define FRAME() ((uintptr_t)__builtin_dwarf_cfa() - 2 * sizeof(void*))
#define RETURN_ADDRESS() ((uintptr_t)__builtin_return_address(0))

// False where nothing in use lies near the block: nearly always.
static inline __attribute__((always_inline)) int MayBeInUse(const void* block) {
  const uint16_t* counts = __atomic_load_n(&gordian_free_check.page_counts, __ATOMIC_RELAXED);
  if (__builtin_expect(counts == NULL || block == NULL, 0)) {
    return 0;
  }
  const uint16_t near = counts[((uintptr_t)block >> kPageShift) % kPageCounts];
  return __builtin_expect(near != 0 || !is_libc || SizeInHeader(block) >= 1 << kPageShift, 0);
}

// The block's size where something in use lies in it, else 0.
static size_t SizeIfInUse(void* block) {
  const size_t bytes = SizeOf(block);
  const uint16_t near = gordian_free_check.page_counts[((uintptr_t)block >> kPageShift) % kPageCounts];
  const int may_be = near != 0 || bytes >= 1 << kPageShift;
  return may_be && gordian_free_check.is_in_use(block, bytes) ? bytes : 0;
}

static __attribute__((noinline)) void FreeSlowly(void* block, uintptr_t return_address, uintptr_t frame) {
  const size_t bytes = SizeIfInUse(block);
  if (bytes != 0) {
    gordian_free_check.record(block, bytes, "free", return_address, frame);
  }
  real_free(block);
}

__attribute__((visibility("default"))) void free(void* block) {
  if (__builtin_expect(real_free == NULL, 0)) {
    Resolve();
    if (real_free == NULL) {
      return;  // within dlsym: whose it is cannot be told yet
    }
  }
  if (MayBeInUse(block)) {
    FreeSlowly(block, RETURN_ADDRESS(), FRAME());
    return;
  }
  real_free(block);
}

__attribute__((visibility("default"))) void* realloc(void* block, size_t bytes) {
  if (__builtin_expect(real_free == NULL, 0)) {
    Resolve();
    if (real_realloc == NULL) {
      return __libc_realloc(block, bytes);
    }
  }
  const size_t in_use = MayBeInUse(block) ? SizeIfInUse(block) : 0;
  void* result = real_realloc(block, bytes);
  // It was moved: what held a lock in it holds one that nobody can reach.
  if (in_use != 0 && result != block && (result != NULL || bytes == 0)) {
    gordian_free_check.record(block, in_use, "realloc", RETURN_ADDRESS(), FRAME());
  }
  return result;
}

__attribute__((visibility("default"))) void* reallocarray(void* block, size_t count, size_t bytes) {
  if (__builtin_expect(real_free == NULL, 0)) {
    Resolve();
  }
  const size_t in_use = MayBeInUse(block) ? SizeIfInUse(block) : 0;
  void* result = real_reallocarray(block, count, bytes);
  if (in_use != 0 && result != block && (result != NULL || count == 0 || bytes == 0)) {
    gordian_free_check.record(block, in_use, "reallocarray", RETURN_ADDRESS(), FRAME());
  }
  return result;
}
