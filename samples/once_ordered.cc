// The routine of a once takes two locks in one order; everybody calls the once before taking them in the
// other.
// EXPECT: clean
#include <mutex>
#include <thread>
#include <vector>

std::once_flag ready;
std::mutex registry;
std::mutex table;

void Fill() {
  const std::lock_guard<std::mutex> outer(registry);
  const std::lock_guard<std::mutex> inner(table);
}

void Use() {
  std::call_once(ready, Fill);
  const std::lock_guard<std::mutex> outer(table);
  const std::lock_guard<std::mutex> inner(registry);
}

int main() {
  std::vector<std::thread> users;
  for (int i = 0; i < 4; ++i) {
    users.emplace_back(Use);
  }
  for (std::thread& user : users) {
    user.join();
  }
}
