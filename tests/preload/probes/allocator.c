// A program whose malloc stands on a mutex, as allocators of its own do: whatever the hooks do, they must not
// allocate, and a fork while another thread allocates must leave the child able to.
#include "probe.h"

#define ARENA_BYTES ((size_t)64 << 20)
#define HEADER_BYTES 16

static pthread_mutex_t arena_lock = PTHREAD_MUTEX_INITIALIZER;
static char arena[ARENA_BYTES] __attribute__((aligned(16)));
static size_t arena_used;
static unsigned long allocations;

void* malloc(size_t bytes) {
  const size_t needed = ((bytes + 15) & ~(size_t)15) + HEADER_BYTES;
  char* block = NULL;
  pthread_mutex_lock(&arena_lock);
  ++allocations;
  if (ARENA_BYTES - arena_used >= needed) {
    block = arena + arena_used;
    arena_used += needed;
  }
  pthread_mutex_unlock(&arena_lock);
  if (block == NULL) {
    errno = ENOMEM;
    return NULL;
  }
  *(size_t*)block = bytes;
  return block + HEADER_BYTES;
}

void free(void* block) {
  pthread_mutex_lock(&arena_lock);
  if (block != NULL) {
    --allocations;
  }
  pthread_mutex_unlock(&arena_lock);
}

void* calloc(size_t count, size_t bytes) { return malloc(count * bytes); }

void* realloc(void* old, size_t bytes) {
  void* block = malloc(bytes);
  if (old != NULL && block != NULL) {
    const size_t before = *(size_t*)((char*)old - HEADER_BYTES);
    memcpy(block, old, before < bytes ? before : bytes);
    free(old);
  }
  return block;
}

static void BeforeFork(void) { pthread_mutex_lock(&arena_lock); }
static void AfterFork(void) { pthread_mutex_unlock(&arena_lock); }

static pthread_mutex_t outer = PTHREAD_MUTEX_INITIALIZER;
static int over;

// With the lock given, if any, held.
static void* Allocate(void* lock) {
  while (!__atomic_load_n(&over, __ATOMIC_ACQUIRE)) {
    if (lock != NULL) {
      pthread_mutex_lock(lock);
    }
    free(malloc(0));
    if (lock != NULL) {
      pthread_mutex_unlock(lock);
    }
    pthread_mutex_lock(&arena_lock);
    arena_used = arena_used > ARENA_BYTES / 2 ? ARENA_BYTES / 4 : arena_used;
    pthread_mutex_unlock(&arena_lock);
  }
  return NULL;
}

static void* Nothing(void* unused) { return unused; }

static int Threads(void) {
  pthread_t allocating[2];
  for (int i = 0; i < 2; ++i) {
    pthread_create(&allocating[i], NULL, Allocate, &outer);
  }
  for (int i = 0; i < 200; ++i) {
    pthread_t thread;
    pthread_create(&thread, NULL, Nothing, NULL);
    pthread_join(thread, NULL);
    char* block = realloc(malloc(10), 1000);
    free(block);
  }
  __atomic_store_n(&over, 1, __ATOMIC_RELEASE);
  for (int i = 0; i < 2; ++i) {
    pthread_join(allocating[i], NULL);
  }
  Say("all allocated\n");
  return 0;
}

static int Forks(void) {
  pthread_atfork(BeforeFork, AfterFork, AfterFork);
  pthread_t allocating;
  pthread_create(&allocating, NULL, Allocate, NULL);
  for (int i = 0; i < 50; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      _exit(malloc(1000) == NULL ? 1 : 5);
    }
    int status = 0;
    if (waitpid(child, &status, 0) != child || WEXITSTATUS(status) != 5) {
      Say("a child ended with %#x\n", status);
      return 1;
    }
  }
  __atomic_store_n(&over, 1, __ATOMIC_RELEASE);
  pthread_join(allocating, NULL);
  Say("all forked\n");
  return 0;
}

int main(int argc, char** argv) {
  static const struct Scenario kScenarios[] = {{"threads", Threads}, {"forks", Forks}, {NULL, NULL}};
  return RunScenario(kScenarios, argc, argv);
}
