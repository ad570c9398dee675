// Locks in memory that goes when nobody holds them any more: by delete, by free and by a container that
// grows. Others in the same page are held meanwhile.
// EXPECT: clean
// OPTIONS: --check-free
#include <condition_variable>
#include <cstdlib>
#include <list>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

struct Account {
  std::mutex lock;
  std::condition_variable changed;
  int balance = 0;
};

int main() {
  auto neighbour = std::make_unique<Account>();
  std::lock_guard held(neighbour->lock);
  for (int i = 0; i < 100; ++i) {
    auto account = std::make_unique<Account>();
    std::thread payer([&] {
      std::lock_guard lock(account->lock);
      account->balance = 1;
      account->changed.notify_one();
    });
    {
      std::unique_lock lock(account->lock);
      account->changed.wait(lock, [&] { return account->balance == 1; });
    }
    payer.join();
    account.reset();
    std::vector<char> large(1 << 16);
    large.resize(1 << 20);
    void* block = std::malloc(100);
    block = std::realloc(block, 10000);
    std::free(block);
    std::free(nullptr);
  }
}
