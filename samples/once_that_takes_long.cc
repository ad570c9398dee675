// A task runs inside a once of the C++ library until its result is there, and the main thread runs another in
// a once of its own. Both take their time; nobody comes to them but who needs the result.
// EXPECT: clean
// A routine that blocks is no blocking-while-locked: a once is made for it.
#include <chrono>
#include <future>
#include <iostream>
#include <mutex>
#include <thread>

int main() {
  std::promise<void> begun;
  std::packaged_task<int()> task([&] {
    begun.set_value();
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    return 1;
  });
  std::future<int> result = task.get_future();
  std::thread worker(std::move(task));
  std::once_flag once;
  std::call_once(once, [&] {
    begun.get_future().wait();
    worker.join();
  });
  std::cout << result.get() << "\n";
}
