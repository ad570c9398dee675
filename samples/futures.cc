// What the standard library builds on threads: async, packaged tasks, jthread with stop tokens, call_once.
// EXPECT: clean
#include <future>
#include <mutex>
#include <stop_token>
#include <thread>

std::once_flag once;
std::mutex mutex;
int sum = 0;

int Add(int value) {
  std::call_once(once, [] { sum = 100; });
  std::lock_guard<std::mutex> lock(mutex);
  return sum += value;
}

int main() {
  std::future<int> one = std::async(std::launch::async, Add, 1);
  std::packaged_task<int(int)> task(Add);
  std::future<int> two = task.get_future();
  std::jthread runner(std::move(task), 2);
  std::jthread stopped([](std::stop_token token) {
    while (!token.stop_requested()) {
      std::this_thread::yield();
    }
  });
  one.get();
  two.get();
  stopped.request_stop();
  return sum == 103 ? 0 : 1;
}
