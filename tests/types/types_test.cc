// libsync's types do what their namesakes of the C++ library do.
#include <gtest/gtest.h>
#include <libsync/condition.h>
#include <libsync/mutex.h>
#include <libsync/semaphore.h>
#include <libsync/shared_mutex.h>
#include <libsync/thread.h>

#include <chrono>
#include <condition_variable>
#include <latch>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using std::chrono::system_clock;

constexpr std::chrono::seconds kLong(60);
constexpr milliseconds kShort(10);

// A clock that neither the C nor the C++ library knows.
struct OwnClock {
  using duration = milliseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<OwnClock>;
  [[maybe_unused]] static constexpr bool is_steady = true;
  static time_point now() {
    return time_point(std::chrono::duration_cast<duration>(steady_clock::now().time_since_epoch()) -
                      std::chrono::hours(5));
  }
};

template <typename Function>
auto Elsewhere(Function function) {
  decltype(function()) result{};
  libsync::Thread thread([&] { result = function(); });
  thread.join();
  return result;
}

// As for std::mutex: usable before any constructor has run.
constinit libsync::Mutex g_mutex;
constinit libsync::SharedMutex g_shared_mutex;
constinit libsync::Condition g_condition;

TEST(Types, AreNeitherCopiedNorMoved) {
  EXPECT_FALSE(std::is_copy_constructible_v<libsync::Mutex>);
  EXPECT_FALSE(std::is_move_constructible_v<libsync::Mutex>);
  EXPECT_FALSE(std::is_copy_constructible_v<libsync::SharedMutex>);
  EXPECT_FALSE(std::is_copy_constructible_v<libsync::Semaphore>);
  EXPECT_FALSE(std::is_copy_constructible_v<libsync::Condition>);
  EXPECT_FALSE(std::is_copy_constructible_v<libsync::Thread>);
  EXPECT_TRUE(std::is_nothrow_move_constructible_v<libsync::Thread>);
}

TEST(Types, AreNoLargerThanTheObjectsInside) {
  EXPECT_EQ(sizeof(libsync::Mutex), sizeof(pthread_mutex_t));
  EXPECT_EQ(sizeof(libsync::SharedMutex), sizeof(pthread_rwlock_t));
  EXPECT_EQ(sizeof(libsync::Semaphore), sizeof(sem_t));
  EXPECT_EQ(sizeof(libsync::Condition), sizeof(pthread_cond_t));
  EXPECT_EQ(sizeof(libsync::Thread), sizeof(std::thread));
}

TEST(Mutex, WorksWithTheGuardsOfTheLibrary) {
  libsync::Mutex other{"other"};
  {
    std::lock_guard lock(g_mutex);
    EXPECT_FALSE(Elsewhere([] { return g_mutex.try_lock(); }));
  }
  {
    std::unique_lock lock(g_mutex, kShort);
    EXPECT_TRUE(lock.owns_lock());
  }
  {
    std::scoped_lock both(g_mutex, other);
    EXPECT_FALSE(Elsewhere([&] { return other.try_lock(); }));
  }
  EXPECT_TRUE(g_mutex.try_lock());
  g_mutex.unlock();
}

TEST(Mutex, GivesUpInTime) {
  const std::lock_guard lock(g_mutex);
  EXPECT_FALSE(Elsewhere([] { return g_mutex.try_lock_for(kShort); }));
  EXPECT_FALSE(Elsewhere([] { return g_mutex.try_lock_for(milliseconds(-5)); }));
  EXPECT_FALSE(Elsewhere([] { return g_mutex.try_lock_until(steady_clock::now() + kShort); }));
  EXPECT_FALSE(Elsewhere([] { return g_mutex.try_lock_until(system_clock::now() + kShort); }));
  const auto until = OwnClock::now() + kShort;
  EXPECT_FALSE(Elsewhere([&] { return g_mutex.try_lock_until(until); }));
  EXPECT_GE(OwnClock::now(), until);
}

TEST(Mutex, IsTakenInTime) {
  EXPECT_TRUE(g_mutex.try_lock_for(kLong));
  g_mutex.unlock();
  EXPECT_TRUE(g_mutex.try_lock_until(system_clock::now() + kLong));
  g_mutex.unlock();
  EXPECT_TRUE(g_mutex.try_lock_until(OwnClock::now() + kLong));
  g_mutex.unlock();
}

TEST(SharedMutex, LetsReadersInTogether) {
  const std::shared_lock reader(g_shared_mutex);
  EXPECT_TRUE(Elsewhere([] {
    const bool got = g_shared_mutex.try_lock_shared();
    if (got) {
      g_shared_mutex.unlock_shared();
    }
    return got;
  }));
  EXPECT_FALSE(Elsewhere([] { return g_shared_mutex.try_lock(); }));
  EXPECT_FALSE(Elsewhere([] { return g_shared_mutex.try_lock_for(kShort); }));
  EXPECT_FALSE(Elsewhere([] { return g_shared_mutex.try_lock_until(OwnClock::now() + kShort); }));
}

TEST(SharedMutex, LetsOneWriterIn) {
  libsync::SharedMutex named{"named"};
  const std::unique_lock writer(named);
  EXPECT_FALSE(Elsewhere([&] { return named.try_lock_shared(); }));
  EXPECT_FALSE(Elsewhere([&] { return named.try_lock_shared_for(kShort); }));
  EXPECT_FALSE(Elsewhere([&] { return named.try_lock_shared_until(system_clock::now() + kShort); }));
  try {
    named.lock();
    FAIL() << "a thread cannot have it twice";
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code(), std::errc::resource_deadlock_would_occur);
  }
}

TEST(Semaphore, Counts) {
  libsync::Semaphore semaphore(2);
  semaphore.acquire();
  EXPECT_TRUE(semaphore.try_acquire());
  EXPECT_FALSE(semaphore.try_acquire());
  EXPECT_FALSE(semaphore.try_acquire_for(kShort));
  EXPECT_FALSE(semaphore.try_acquire_until(OwnClock::now() + kShort));
  semaphore.release(2);
  EXPECT_TRUE(semaphore.try_acquire_for(kLong));
  EXPECT_TRUE(semaphore.try_acquire_until(system_clock::now() + kLong));
  EXPECT_GE(libsync::Semaphore::max(), 1 << 30);
}

TEST(Semaphore, RefusesWhatItCannotCount) {
  EXPECT_THROW(libsync::Semaphore(libsync::Semaphore::max() + 1, "too many"), std::system_error);
}

TEST(Condition, WaitsForItsPredicate) {
  bool ready = false;
  std::latch waits(1);
  libsync::Thread thread([&] {
    std::unique_lock lock(g_mutex);
    waits.count_down();
    g_condition.wait(lock, [&] { return ready; });
  });
  waits.wait();
  {
    const std::lock_guard lock(g_mutex);
    ready = true;
  }
  g_condition.notify_all();
  thread.join();
}

TEST(Condition, GivesUpInTime) {
  libsync::Condition condition{"never"};
  std::unique_lock lock(g_mutex);
  const auto never = [] { return false; };
  EXPECT_FALSE(condition.wait_for(lock, kShort, never));
  EXPECT_FALSE(condition.wait_until(lock, steady_clock::now() + kShort, never));
  EXPECT_FALSE(condition.wait_until(lock, system_clock::now() + kShort, never));
  EXPECT_FALSE(condition.wait_until(lock, OwnClock::now() + kShort, never));
  EXPECT_TRUE(condition.wait_for(lock, kLong, [] { return true; }));
  EXPECT_TRUE(lock.owns_lock());
}

TEST(Thread, TakesWhatStdThreadTakes) {
  struct Counter {
    int value = 0;
    void Add(int by) { value += by; }
  } counter;
  libsync::Thread member(&Counter::Add, &counter, 2);
  member.join();
  auto only = std::make_unique<int>(3);
  libsync::Thread moved(
      "moved", [&](std::unique_ptr<int> by, int& value) { value += *by; }, std::move(only),
      std::ref(counter.value));
  moved.join();
  EXPECT_EQ(counter.value, 5);
}

TEST(Thread, HasItsName) {
  const auto own_name = [] {
    char name[16] = {};
    pthread_getname_np(pthread_self(), name, sizeof(name));
    return std::string(name);
  };
  std::string name;
  libsync::Thread worker("worker", [&] { name = own_name(); });
  worker.join();
  EXPECT_EQ(name, "worker");
  libsync::Thread long_name("a name of many letters", [&] { name = own_name(); });
  long_name.join();
  EXPECT_EQ(name, "a name of many ");
}

TEST(Thread, MovesAndSwaps) {
  libsync::Thread none;
  EXPECT_FALSE(none.joinable());
  libsync::Thread one([] {});
  const libsync::Thread::id id = one.get_id();
  swap(none, one);
  EXPECT_FALSE(one.joinable());
  one = std::move(none);
  EXPECT_EQ(one.get_id(), id);
  one.join();
}

}  // namespace
