// Between the shim and libgordian_check_free.so, which hooks free for it (--check-free).
#ifndef GORDIAN_PRELOAD_FREE_CHECK_FREE_H_
#define GORDIAN_PRELOAD_FREE_CHECK_FREE_H_

#include <stddef.h>
#include <stdint.h>

enum { kPageShift = 12, kPageCounts = 1 << 16 };

#ifdef __cplusplus
extern "C" {
#endif

// Filled by the shim when it starts; zero: nothing is looked at. What is asked is cheap where no lock is in
// use near the block.
struct GordianFreeCheck {
  // By page number modulo kPageCounts: how many objects in use begin in the page or in the one after it. A
  // block of less than a page with such an object in it begins in a page that counts.
  const uint16_t* page_counts;
  // True if one of them lies in [block, block + bytes).
  int (*is_in_use)(const void* block, size_t bytes);
  // The block goes, or went, back to the allocator: says so of each of them.
  void (*record)(void* block, size_t bytes, const char* call, uintptr_t return_address, uintptr_t frame);
};

extern struct GordianFreeCheck gordian_free_check __attribute__((visibility("default")));

#ifdef __cplusplus
}
#endif

#endif  // GORDIAN_PRELOAD_FREE_CHECK_FREE_H_
