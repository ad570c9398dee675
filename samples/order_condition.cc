// A worker is told by a condition that the loader is done, and takes the loader's two locks in the other
// order.
// EXPECT: lock-order-cycle warning
#include <unistd.h>

#include <condition_variable>
#include <mutex>
#include <thread>

std::mutex config;
std::mutex cache;
std::mutex state;
std::condition_variable changed;
bool waiting = false;
bool loaded = false;

void Load() {
  {
    const std::lock_guard<std::mutex> outer(config);
    const std::lock_guard<std::mutex> inner(cache);
  }
  // The worker is on its way into the wait when it says so, and there when the mutex can be had.
  for (bool told = false; !told; usleep(1000)) {
    const std::lock_guard<std::mutex> lock(state);
    told = loaded = waiting;
  }
  changed.notify_all();
}

void Work() {
  {
    std::unique_lock<std::mutex> lock(state);
    waiting = true;
    changed.wait(lock, [] { return loaded; });
  }
  const std::lock_guard<std::mutex> outer(cache);
  const std::lock_guard<std::mutex> inner(config);
}

int main() {
  std::thread worker(Work);
  Load();
  worker.join();
}
