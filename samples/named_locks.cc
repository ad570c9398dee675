// Seats are booked and given back in two orders of two locks that have names: the report calls them by these.
// EXPECT: lock-order-cycle
#include <libsync/mutex.h>
#include <libsync/shared_mutex.h>
#include <libsync/thread.h>

#include <mutex>
#include <shared_mutex>

#include "luck.h"

libsync::SharedMutex plan{"seating plan"};
libsync::Mutex money{"money"};

void Book() {
  std::lock_guard plan_lock(plan);
  std::lock_guard money_lock(money);
}

void GiveBack() {
  std::lock_guard money_lock(money);
  std::shared_lock plan_lock(plan);
}

int main() {
  Luck first;
  libsync::Thread guest("guest", [&] {
    Book();
    first.Done();
  });
  libsync::Thread other("other guest", [&] {
    first.Wait();
    GiveBack();
  });
  guest.join();
  other.join();
}
