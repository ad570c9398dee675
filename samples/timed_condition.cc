// Condition waits that time out, by the wall clock and by the steady clock, and one that is signalled.
// EXPECT: clean
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

using namespace std::chrono_literals;

std::mutex mutex;
std::condition_variable changed;
bool ready = false;

int main() {
  std::unique_lock<std::mutex> lock(mutex);
  changed.wait_for(lock, 10ms);
  changed.wait_until(lock, std::chrono::system_clock::now() + 10ms);
  std::thread signaller([] {
    std::lock_guard<std::mutex> guard(mutex);
    ready = true;
    changed.notify_all();
  });
  const bool signalled = changed.wait_for(lock, 20s, [] { return ready; });
  lock.unlock();
  signaller.join();
  return signalled ? 0 : 1;
}
