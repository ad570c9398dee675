// What free_locks.h does to a lock, in threads with libc's own calls: nobody is let in beside another one,
// and what libc must decide is left as it was.
#include "libsync/record/free_locks.h"

#include <gtest/gtest.h>
#include <pthread.h>

#include <cstring>
#include <thread>
#include <vector>

namespace gordian::record {
namespace {

using trace::Mode;

constexpr int kThreads = 8;
constexpr int kRounds = 100000;

// By turns without libc and with it, or without alone.
enum class By { kTurns, kUs };

void Lock(pthread_mutex_t* mutex, By by, int round) {
  const Take how = round % 3 == 0 ? Take::kTry : Take::kLock;
  if (by == By::kTurns && round % 2 == 0) {
    ASSERT_EQ(pthread_mutex_lock(mutex), 0);
    return;
  }
  while (!TakeFree(mutex, Mode::kExclusive, how) && !TakeRecursive(mutex, how)) {
    if (by == By::kTurns) {
      ASSERT_EQ(pthread_mutex_lock(mutex), 0);
      return;
    }
    std::this_thread::yield();
  }
}

void Unlock(pthread_mutex_t* mutex, By by, int round) {
  const bool by_libc = by == By::kTurns && round % 5 < 2;
  if (by_libc || !GiveBack(mutex)) {
    ASSERT_EQ(pthread_mutex_unlock(mutex), 0);
  }
}

class Mutexes : public testing::TestWithParam<int> {
 protected:
  Mutexes() { mutex_.__data.__kind = GetParam(); }

  // How often somebody was alone with the counter.
  void Count(By by) {
    std::vector<std::thread> threads;
    threads.reserve(kThreads);
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([this, by, i] {
        for (int round = i; round < i + kRounds; ++round) {
          Lock(&mutex_, by, round);
          ++counter_;
          Unlock(&mutex_, by, round / 3);
        }
      });
    }
    for (std::thread& thread : threads) {
      thread.join();
    }
    EXPECT_EQ(counter_, long{kThreads} * kRounds);
    EXPECT_EQ(memcmp(&mutex_, &fresh_, offsetof(__pthread_mutex_s, __kind)), 0);
  }

  pthread_mutex_t mutex_ = PTHREAD_MUTEX_INITIALIZER;
  const pthread_mutex_t fresh_ = PTHREAD_MUTEX_INITIALIZER;
  long counter_ = 0;
};

TEST_P(Mutexes, LetsOneInAtATime) { Count(By::kUs); }
TEST_P(Mutexes, LetsOneInAtATimeWithLibc) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "TSan knows libc's mutexes by their calls alone, and does not see that they meet ours";
#endif
  Count(By::kTurns);
}

INSTANTIATE_TEST_SUITE_P(Kinds, Mutexes,
                         testing::Values(0, kMutexNoElisionBit, kMutexRecursive, kMutexErrorcheck));

// Neither taken nor given back here, and not changed by the attempt.
class OtherMutexes : public testing::TestWithParam<int> {};

TEST_P(OtherMutexes, AreLeftToLibc) {
  pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  mutex.__data.__kind = GetParam();
  for (const int word : {0, 1, 2}) {
    mutex.__data.__lock = word;
    mutex.__data.__owner = word == 0 ? 0 : LibcTid();
    const pthread_mutex_t before = mutex;
    for (const Take how : {Take::kLock, Take::kTry}) {
      EXPECT_FALSE(TakeFree(&mutex, Mode::kExclusive, how));
      EXPECT_FALSE(TakeRecursive(&mutex, how));
    }
    EXPECT_FALSE(GiveBack(&mutex));
    EXPECT_EQ(memcmp(&mutex, &before, sizeof(mutex)), 0);
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, OtherMutexes,
                         testing::Values(kMutexAdaptive, kMutexRobustBit, kMutexInheritBit, kMutexProtectBit,
                                         kMutexSharedBit, kMutexSharedBit | kMutexRecursive,
                                         kMutexRobustBit | kMutexRecursive, 256 /* elided */,
                                         kMutexDestroyedKind));

// Somebody waits: the lock says so, and libc has to wake him.
TEST(FreeLocks, WhoWaitsIsLeftToLibc) {
  for (const int kind : {0, kMutexRecursive, kMutexErrorcheck}) {
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    mutex.__data.__kind = kind;
    mutex.__data.__lock = 2;
    mutex.__data.__count = kind == kMutexRecursive ? 1 : 0;
    mutex.__data.__owner = LibcTid();
    mutex.__data.__nusers = 1;
    const pthread_mutex_t before = mutex;
    EXPECT_FALSE(GiveBack(&mutex));
    EXPECT_EQ(memcmp(&mutex, &before, sizeof(mutex)), 0);
  }
}

// Given back by a thread that does not have it: libc answers.
TEST(FreeLocks, StrangersAreLeftToLibc) {
  for (const int kind : {kMutexRecursive, kMutexErrorcheck}) {
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    mutex.__data.__kind = kind;
    ASSERT_EQ(pthread_mutex_lock(&mutex), 0);
    std::thread([&] { EXPECT_FALSE(GiveBack(&mutex)); }).join();
    EXPECT_TRUE(GiveBack(&mutex));
    EXPECT_FALSE(GiveBack(&mutex));
  }
}

// Readers that see the two halves of what writers change, which libc lets in.
TEST(FreeLocks, ReadersAndWritersKeepApart) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "as above";
#endif
  pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
  volatile long first = 0;
  volatile long second = 0;
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      for (int round = i; round < i + kRounds; ++round) {
        if (round % 4 == 0) {
          if (round % 8 != 0 || !TakeFree(&rwlock, Mode::kExclusive, Take::kLock)) {
            ASSERT_EQ(pthread_rwlock_wrlock(&rwlock), 0);
          }
          first = first + 1;
          second = second + 1;
          EXPECT_FALSE(GiveBack(&rwlock));
          ASSERT_EQ(pthread_rwlock_unlock(&rwlock), 0);
          continue;
        }
        if (round % 2 != 0 || !TakeFree(&rwlock, Mode::kShared, Take::kLock)) {
          ASSERT_EQ(pthread_rwlock_rdlock(&rwlock), 0);
        }
        ASSERT_EQ(first, second);
        if (round % 3 == 0 || !GiveBack(&rwlock)) {
          ASSERT_EQ(pthread_rwlock_unlock(&rwlock), 0);
        }
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(first, long{kThreads} * kRounds / 4);
  EXPECT_EQ(pthread_rwlock_trywrlock(&rwlock), 0);
}

// One at a time, by turns without libc and with it.
template <typename Object, typename Lock, typename Unlock>
void CountByTurns(Object* object, Lock lock, Unlock unlock) {
  long counter = 0;
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      for (int round = i; round < i + kRounds; ++round) {
        if (round % 2 != 0 || !TakeFree(object, Mode::kExclusive, Take::kLock)) {
          ASSERT_EQ(lock(object), 0);
        }
        ++counter;
        if (round % 3 == 0 || !GiveBack(object)) {
          ASSERT_EQ(unlock(object), 0);
        }
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(counter, long{kThreads} * kRounds);
  EXPECT_TRUE(TakeFree(object, Mode::kExclusive, Take::kTry));
}

#ifndef __SANITIZE_THREAD__
TEST(FreeLocks, SemaphoreLetsOneInAtATime) {
  sem_t semaphore;
  sem_init(&semaphore, 0, 1);
  CountByTurns(&semaphore, sem_wait, sem_post);
}

TEST(FreeLocks, SpinlockLetsOneInAtATime) {
  pthread_spinlock_t spinlock;
  pthread_spin_init(&spinlock, PTHREAD_PROCESS_PRIVATE);
  CountByTurns(&spinlock, pthread_spin_lock, pthread_spin_unlock);
}
#endif

}  // namespace
}  // namespace gordian::record
