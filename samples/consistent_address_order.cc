// Many accounts that nothing but their address tells apart, locked by every thread in the order of their
// addresses.
// EXPECT: clean
#include <barrier>
#include <mutex>
#include <thread>
#include <vector>

struct Account {
  std::mutex mutex;
  long balance = 1000;
};

Account accounts[16];
std::barrier start(4);

void Transfer(int from, int to) {
  Account& low = accounts[from < to ? from : to];
  Account& high = accounts[from < to ? to : from];
  std::lock_guard<std::mutex> low_lock(low.mutex);
  std::lock_guard<std::mutex> high_lock(high.mutex);
  accounts[from].balance -= 1;
  accounts[to].balance += 1;
}

int main() {
  std::vector<std::thread> threads;
  for (int seed = 1; seed <= 4; ++seed) {
    threads.emplace_back([seed] {
      start.arrive_and_wait();
      for (int i = 0; i < 2000; ++i) {
        const int from = (i * 7 + seed) % 16;
        const int to = (i * 5 + 3 * seed) % 16;
        if (from != to) {
          Transfer(from, to);
        }
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
}
