// Each transfer locks two accounts of one class, the one with the lower number first, whatever way the money
// goes: all threads keep to one order.
// EXPECT: clean
#include <algorithm>
#include <mutex>
#include <thread>
#include <vector>

struct Account {
  int number = 0;
  std::mutex mutex;
  long balance = 100;
};

void Transfer(Account* from, Account* to) {
  Account* first = std::min(from, to, [](Account* a, Account* b) { return a->number < b->number; });
  const std::lock_guard<std::mutex> outer(first->mutex);
  const std::lock_guard<std::mutex> inner((first == from ? to : from)->mutex);
  --from->balance;
  ++to->balance;
}

int main() {
  std::vector<Account> accounts(5);
  for (size_t i = 0; i < accounts.size(); ++i) {
    accounts[i].number = static_cast<int>((i * 3) % accounts.size());  // not the order of their addresses
  }
  std::vector<std::thread> threads;
  for (size_t t = 0; t < 4; ++t) {
    threads.emplace_back([&accounts, t] {
      for (size_t i = 0; i < 100; ++i) {
        Transfer(&accounts[(i + t) % 5],
                 &accounts[(i + t * 2 + 1) % 5 == (i + t) % 5 ? (i + t + 1) % 5 : (i + t * 2 + 1) % 5]);
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
}
