// mremap: a mutex moves with its memory, held or not. What was known of its old place is of no use, and no
// mistake either.
#include <sys/mman.h>

#include "probe.h"

static pthread_mutex_t other = PTHREAD_MUTEX_INITIALIZER;

static int Move(pthread_mutexattr_t* attributes) {
  pthread_mutex_t* place = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  pthread_mutex_t* free_place = mmap(NULL, 16384, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  pthread_mutex_t* second = (pthread_mutex_t*)((char*)place + 4096);
  pthread_mutex_init(place, attributes);
  pthread_mutex_init(second, attributes);
  pthread_mutex_lock(place);
  pthread_mutex_lock(second);
  pthread_mutex_t* moved = mremap(place, 8192, 12288, MREMAP_MAYMOVE | MREMAP_FIXED, free_place);
  Say("moved %d", moved == free_place);
  Say(" unlock %d", pthread_mutex_unlock(moved));
  // Nothing that was left behind is held: no order comes of this.
  pthread_mutex_lock(&other);
  pthread_mutex_unlock(&other);
  second = (pthread_mutex_t*)((char*)moved + 4096);
  Say(" unlock %d\n", pthread_mutex_unlock(second));
  // Another mutex in the old place.
  mmap(place, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  pthread_mutex_init(place, attributes);
  pthread_mutex_lock(&other);
  pthread_mutex_lock(place);
  pthread_mutex_unlock(place);
  pthread_mutex_unlock(&other);
  // Smaller: the second is gone, held.
  pthread_mutex_lock(second);
  Say("smaller %d", mremap(moved, 12288, 4096, 0) == moved);
  Say(" lock %d", pthread_mutex_lock(moved));
  Say(" unlock %d\n", pthread_mutex_unlock(moved));
  Say("wrong %d", mremap((char*)moved + 1, 4096, 8192, 0) == MAP_FAILED);
  Say(" errno %d\n", errno);
  return 0;
}

static int Private(void) { return Move(NULL); }
// Known by its address alone.
static int Inheriting(void) {
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT);
  return Move(&attributes);
}

// Memory that is not unmapped, because libc was asked wrongly: its lock stays held.
static int Unmapped(void) {
  char* page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  pthread_mutex_t* place = (pthread_mutex_t*)(page + 64);
  pthread_mutex_init(place, NULL);
  pthread_mutex_lock(place);
  Say("unaligned %d", munmap(page + 8, 4096));
  Say(" nothing %d", munmap(page, 0));
  Say(" unlock %d\n", pthread_mutex_unlock(place));
  return 0;
}

// A child without the memory that the lock lay in, which was held when it was forked.
static int NotForked(void) {
  pthread_mutex_t* place = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  madvise(place, 4096, MADV_DONTFORK);
  pthread_mutex_init(place, NULL);
  pthread_mutex_lock(place);
  const pid_t child = fork();
  if (child == 0) {
    pthread_mutex_lock(&other);
    pthread_mutex_unlock(&other);
    _exit(3);
  }
  Reap("child", child);
  pthread_mutex_unlock(place);
  return 0;
}

// What was held at a fork is held in the child, and can be given back there: then it is held no more, and
// what is taken after it stands in no order to it.
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static int turn[2];
static void* OtherFirst(void* unused) {
  char byte;
  if (read(turn[0], &byte, 1) != 1) {
    return unused;
  }
  pthread_mutex_lock(&other);
  pthread_rwlock_wrlock(&rwlock);
  pthread_mutex_lock(&mutex);
  pthread_mutex_unlock(&mutex);
  pthread_rwlock_unlock(&rwlock);
  pthread_mutex_unlock(&other);
  return unused;
}
static int Forked(void) {
  pthread_rwlock_rdlock(&rwlock);
  pthread_mutex_lock(&mutex);
  const pid_t child = fork();
  if (child == 0) {
    pthread_t thread;
    Say("pipe %d", pipe(turn));
    pthread_create(&thread, NULL, OtherFirst, NULL);
    Say(" unlock %d", pthread_rwlock_unlock(&rwlock));
    Say(" %d", pthread_mutex_unlock(&mutex));
    pthread_mutex_lock(&other);
    pthread_mutex_unlock(&other);
    Say(" write %zd\n", write(turn[1], "", 1));
    pthread_join(thread, NULL);
    exit(3);
  }
  Reap("child", child);
  pthread_mutex_unlock(&mutex);
  pthread_rwlock_unlock(&rwlock);
  return 0;
}

// A used mutex is copied to where all but the high bits of the address are the same.
static int FarCopy(void) {
  const size_t bytes = 4096;
  const size_t far = (size_t)1 << 35;
  char* low = mmap(NULL, bytes + far, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  mprotect(low, bytes, PROT_READ | PROT_WRITE);
  mprotect(low + far, bytes, PROT_READ | PROT_WRITE);
  pthread_mutex_t* original = (pthread_mutex_t*)low;
  pthread_mutex_t* copy = (pthread_mutex_t*)(low + far);
  pthread_mutex_init(original, NULL);
  pthread_mutex_lock(original);
  pthread_mutex_unlock(original);
  memcpy(copy, original, sizeof(*copy));
  pthread_mutex_lock(original);
  pthread_mutex_lock(copy);
  Say("both");
  Say(" %d", pthread_mutex_unlock(copy));
  Say(" %d\n", pthread_mutex_unlock(original));
  return 0;
}

// Memory goes away with a held mutex in it, one that has no tag; then other memory at the same place does.
static int UnmappedAgain(void) {
  const size_t bytes = 4096;
  static pthread_mutex_t stays;
  pthread_mutexattr_t shared;
  pthread_mutexattr_init(&shared);
  pthread_mutexattr_setpshared(&shared, PTHREAD_PROCESS_SHARED);
  pthread_mutex_init(&stays, &shared);
  char* page = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  pthread_mutex_init((pthread_mutex_t*)page, &shared);
  pthread_mutex_lock((pthread_mutex_t*)page);
  munmap(page, bytes);
  pthread_mutex_lock(&stays);
  pthread_mutex_unlock(&stays);
  mmap(page, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  munmap(page, bytes);
  return 0;
}

int main(int argc, char** argv) {
  static const struct Scenario kScenarios[] = {{"private", Private},
                                               {"inheriting", Inheriting},
                                               {"unmapped", Unmapped},
                                               {"not-forked", NotForked},
                                               {"forked", Forked},
                                               {"far-copy", FarCopy},
                                               {"unmapped-again", UnmappedAgain},
                                               {NULL, NULL}};
  return RunScenario(kScenarios, argc, argv);
}
