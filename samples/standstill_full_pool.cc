// Thread-pool starvation: the task waits for another one that it gave to the same pool, whose worker is busy.
// OPTIONS: --on-deadlock=kill
// HANGS
// EXPECT: deadlock
#include <condition_variable>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <queue>
#include <thread>

std::mutex mutex;
std::condition_variable filled;
std::queue<std::function<void()>> tasks;

std::future<int> Submit(std::function<int()> work) {
  auto task = std::make_shared<std::packaged_task<int()>>(std::move(work));
  const std::lock_guard<std::mutex> lock(mutex);
  tasks.push([task] { (*task)(); });
  filled.notify_one();
  return task->get_future();
}

void RunTasks() {
  for (;;) {
    std::unique_lock<std::mutex> lock(mutex);
    filled.wait(lock, [] { return !tasks.empty(); });
    const std::function<void()> task = std::move(tasks.front());
    tasks.pop();
    lock.unlock();
    task();
  }
}

int SumOfHalves() {
  return Submit([] { return 1; }).get() + 1;
}

int main() {
  std::thread worker(RunTasks);
  Submit(SumOfHalves).get();
  worker.detach();
}
