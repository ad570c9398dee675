// An allocator on a mutex, as a library of its own that stands before libc: what hooks free must not deadlock
// with it, and must not take its blocks for libc's.
#define _GNU_SOURCE
#include <pthread.h>
#include <stddef.h>
#include <string.h>

enum { kHeader = 16, kBytes = 8 << 20 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char memory[kBytes] __attribute__((aligned(16)));
static size_t used;

void* malloc(size_t bytes) {
  pthread_mutex_lock(&lock);
  char* block = memory + used;
  used += kHeader + ((bytes + 15) & ~(size_t)15);
  *(size_t*)block = bytes;
  pthread_mutex_unlock(&lock);
  return used <= kBytes ? block + kHeader : NULL;
}

void free(void* block) {
  pthread_mutex_lock(&lock);
  if (block != NULL) {
    memset(block, 0xEE, *(size_t*)((char*)block - kHeader));
  }
  pthread_mutex_unlock(&lock);
}

size_t malloc_usable_size(void* block) { return block == NULL ? 0 : *(size_t*)((char*)block - kHeader); }

void* calloc(size_t count, size_t bytes) {
  void* block = malloc(count * bytes);
  return block == NULL ? NULL : memset(block, 0, count * bytes);
}

void* realloc(void* former, size_t bytes) {
  void* block = malloc(bytes);
  if (former != NULL && block != NULL) {
    const size_t before = malloc_usable_size(former);
    memcpy(block, former, before < bytes ? before : bytes);
    free(former);
  }
  return block;
}
