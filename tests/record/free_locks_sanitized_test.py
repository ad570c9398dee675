"""The protocol of free_locks.h under detectors of data races: what is written under a lock that is taken and given back
without libc is seen by the next one who takes it."""
import os
import pathlib
import subprocess
import tempfile
import unittest

SOURCE = pathlib.Path(os.environ["GORDIAN_SOURCE"])
CXX = os.environ.get("CXX", "g++")

PROGRAM = r"""
#include "libsync/record/free_locks.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>

#include <initializer_list>

#ifdef HELGRIND
#include <valgrind/helgrind.h>
#else
#define ANNOTATE_HAPPENS_AFTER(object)
#define ANNOTATE_HAPPENS_BEFORE(object)
#define VALGRIND_HG_DISABLE_CHECKING(object, bytes)
#endif

using namespace gordian::record;
using gordian::trace::Mode;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static long counter;

static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static sem_t semaphore;
static pthread_spinlock_t spinlock;

// `lock` keeps all others out, and is what another one guards as well.
template <typename Object>
static bool Add(Object* object) {
  while (!TakeFree(object, Mode::kExclusive, Take::kLock)) sched_yield();
  ANNOTATE_HAPPENS_AFTER(object);
  ++counter;
  ANNOTATE_HAPPENS_BEFORE(object);
  return GiveBack(object);
}

static void* WorkBy(void* kind) {
  bool right = true;
  for (int i = 0; right && i < ROUNDS; ++i) {
    right = kind == &semaphore ? Add(&semaphore) : Add(&spinlock);
    while (!TakeFree(&rwlock, Mode::kShared, Take::kLock)) sched_yield();
    while (!GiveBack(&rwlock)) sched_yield();
  }
  return right ? nullptr : kind;
}

static void* Work(void*) {
  for (int i = 0; i < ROUNDS; ++i) {
    const Take how = i % 2 == 0 ? Take::kLock : Take::kTry;
    while (!TakeFree(&mutex, Mode::kExclusive, how) && !TakeRecursive(&mutex, how)) sched_yield();
    ANNOTATE_HAPPENS_AFTER(&mutex);
    ++counter;
    ANNOTATE_HAPPENS_BEFORE(&mutex);
    if (!GiveBack(&mutex)) return &mutex;
  }
  return nullptr;
}

int main() {
  for (const int kind : {0, kMutexRecursive, kMutexErrorcheck}) {
    mutex.__data.__kind = kind;
    VALGRIND_HG_DISABLE_CHECKING(&mutex, sizeof(mutex));
    pthread_t threads[4];
    for (pthread_t& thread : threads) pthread_create(&thread, nullptr, Work, nullptr);
    for (pthread_t& thread : threads) {
      void* failed;
      pthread_join(thread, &failed);
      if (failed != nullptr) return 2;
    }
  }
  sem_init(&semaphore, 0, 1);
  pthread_spin_init(&spinlock, 0);
  VALGRIND_HG_DISABLE_CHECKING(&semaphore, sizeof(semaphore));
  VALGRIND_HG_DISABLE_CHECKING(const_cast<int*>(&spinlock), sizeof(spinlock));
  VALGRIND_HG_DISABLE_CHECKING(&rwlock, sizeof(rwlock));
  for (void* kind : {static_cast<void*>(&semaphore), static_cast<void*>(&rwlock)}) {
    pthread_t threads[4];
    for (pthread_t& thread : threads) pthread_create(&thread, nullptr, WorkBy, kind);
    for (pthread_t& thread : threads) {
      void* failed;
      pthread_join(thread, &failed);
      if (failed != nullptr) return 3;
    }
  }
  printf("%ld\n", counter);
  return 0;
}
"""


class FreeLocksSanitizedTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def check(self, rounds, *flags, tool=()):
        source = pathlib.Path(self.folder.name) / "protocol.cc"
        source.write_text(PROGRAM)
        program = source.with_suffix("")
        subprocess.run([CXX, "-std=c++20", "-O1", "-g", f"-I{SOURCE}", f"-DROUNDS={rounds}", *flags, source, "-o", program,
                        "-pthread"], check=True, timeout=100)
        done = subprocess.run([*tool, program], capture_output=True, text=True, timeout=150, check=False)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, f"{5 * 4 * rounds}\n", ""))

    def test_thread_sanitizer(self):
        self.check(50000, "-fsanitize=thread")

    def test_helgrind(self):
        self.check(2000, "-DHELGRIND", tool=("valgrind", "--tool=helgrind", "-q", "--error-exitcode=9"))


if __name__ == "__main__":
    unittest.main()
