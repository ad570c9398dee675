// Main waits for the manager while it holds the table. The manager touches no table, but it waits for its own
// helper, and the helper does.
// EXPECT: join-order-cycle
#include <mutex>
#include <thread>

#include "luck.h"

std::mutex table;

int main() {
  Luck helped;
  std::thread manager([&] {
    std::thread helper([&] {
      table.lock();
      table.unlock();
      helped.Done();
    });
    helper.join();
  });
  helped.Wait();
  table.lock();
  manager.join();
  table.unlock();
}
