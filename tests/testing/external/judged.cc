// Tests that pass by what they assert, and are judged by what they leave behind.
#include <gtest/gtest.h>
#include <libsync/mutex.h>
#include <libsync/thread.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <mutex>

namespace {

libsync::Mutex g_kept{"kept"};
libsync::Mutex g_first{"first"};
libsync::Mutex g_second{"second"};

// One after the other by luck: each thread lives from before the first to after the last.
template <typename One, typename Other>
void InTurn(One one, Other other) {
  std::atomic<bool> done{false};
  libsync::Thread first([&] {
    one();
    done = true;
  });
  libsync::Thread second([&] {
    while (!done) {
    }
    other();
  });
  first.join();
  second.join();
}

void Both(libsync::Mutex& outer, libsync::Mutex& inner) { const std::scoped_lock lock(outer), nested(inner); }

void Cycle() {
  InTurn([] { Both(g_first, g_second); }, [] { Both(g_second, g_first); });
}

TEST(Judged, CleanLocks) { Both(g_first, g_second); }
TEST(Judged, CleanThreadIsJoined) {
  libsync::Thread([] {}).join();
}
TEST(Judged, CleanChildIsReaped) {
  const pid_t child = fork();
  if (child == 0) {
    _exit(0);
  }
  EXPECT_EQ(waitpid(child, nullptr, 0), child);
}
TEST(Judged, CleanDeathTest) { EXPECT_EXIT(_exit(3), testing::ExitedWithCode(3), ""); }

TEST(Judged, DirtyLockIsHeld) { g_kept.lock(); }
TEST(Judged, DirtyUnlockNotHeld) {
  libsync::Mutex mutex{"free"};
  mutex.unlock();
}
TEST(Judged, CleanGivesBackWhatAnotherTook) { g_kept.unlock(); }
TEST(Judged, DirtyThreadFinishes) {
  static std::atomic<pid_t> tid{0};
  pthread_t thread;
  const auto tell = [](void* unused) {
    tid = gettid();
    return unused;
  };
  ASSERT_EQ(pthread_create(&thread, nullptr, tell, nullptr), 0);
  while (tid == 0 || tgkill(getpid(), tid, 0) == 0) {
    sched_yield();
  }
}
TEST(Judged, DirtyThreadRuns) {
  pthread_t thread;
  ASSERT_EQ(pthread_create(
                &thread, nullptr,
                [](void* unused) {
                  pause();
                  return unused;
                },
                nullptr),
            0);
}
TEST(Judged, DirtyThreadEndsHolding) {
  static libsync::Mutex mutex{"taken along"};
  libsync::Thread([] { mutex.lock(); }).join();
}
TEST(Judged, DirtyChildIsLeft) {
  if (fork() == 0) {
    _exit(0);
  }
}
TEST(Judged, DirtyCycle) { Cycle(); }
TEST(Judged, CleanTheSameCycleAgain) { Cycle(); }

}  // namespace
