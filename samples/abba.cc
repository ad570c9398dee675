// A bank moves money between two accounts and locks the account it takes from first. One clerk moves money
// from savings to checking, another moves it back. Today they do not meet; one day each will hold one lock
// and wait for the other.
// EXPECT: lock-order-cycle
#include <cstdio>
#include <mutex>
#include <thread>

#include "luck.h"

struct Account {
  std::mutex mutex;
  long balance = 100;
};

Account savings;
Account checking;

void Transfer(Account& from, Account& to, long amount) {
  std::lock_guard<std::mutex> from_lock(from.mutex);
  std::lock_guard<std::mutex> to_lock(to.mutex);
  from.balance -= amount;
  to.balance += amount;
}

int main() {
  Luck first;
  std::thread morning([&] {
    Transfer(savings, checking, 10);
    first.Done();
  });
  std::thread evening([&] {
    first.Wait();
    Transfer(checking, savings, 20);
  });
  morning.join();
  evening.join();
  std::printf("savings %ld, checking %ld\n", savings.balance, checking.balance);
}
