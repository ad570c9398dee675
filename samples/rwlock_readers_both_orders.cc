// Two reports read the accounts and the customers in opposite orders. The default kind of read-write lock
// lets readers in although a writer waits, so the two never wait for each other.
// EXPECT: clean
#include <shared_mutex>
#include <thread>

#include "luck.h"

std::shared_mutex accounts;
std::shared_mutex customers;

void Report(std::shared_mutex& first, std::shared_mutex& second) {
  std::shared_lock<std::shared_mutex> outer(first);
  std::shared_lock<std::shared_mutex> inner(second);
}

int main() {
  Luck reported;
  std::thread morning([&] {
    Report(accounts, customers);
    Report(customers, accounts);
    reported.Done();
  });
  std::thread evening([&] {
    reported.Wait();
    Report(customers, accounts);
  });
  std::thread writer([&] {
    reported.Wait();
    accounts.lock();
    accounts.unlock();
  });
  morning.join();
  evening.join();
  writer.join();
}
