// Two accounts on the heap that no name and no place tells apart: both were first locked by the same line.
// The two orders are still two orders.
// EXPECT: lock-order-cycle
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "luck.h"

struct Account {
  std::mutex mutex;
  long balance = 0;
};

void Deposit(Account& account) {
  std::lock_guard<std::mutex> lock(account.mutex);
  account.balance += 100;
}

void Transfer(Account& from, Account& to) {
  std::lock_guard<std::mutex> from_lock(from.mutex);
  std::lock_guard<std::mutex> to_lock(to.mutex);
  to.balance += from.balance;
  from.balance = 0;
}

int main() {
  std::vector<std::unique_ptr<Account>> accounts;
  for (int i = 0; i < 2; ++i) {
    accounts.push_back(std::make_unique<Account>());
    Deposit(*accounts.back());
  }
  Luck first;
  std::thread one([&] {
    Transfer(*accounts[0], *accounts[1]);
    first.Done();
  });
  std::thread other([&] {
    first.Wait();
    Transfer(*accounts[1], *accounts[0]);
  });
  one.join();
  other.join();
}
