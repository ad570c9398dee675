// A detached start-up thread uses one order, and a thread that is created when it is long gone uses the other
// one. Nothing waits for the start-up thread: on a loaded machine it may still be there.
// EXPECT: lock-order-cycle
#include <mutex>
#include <thread>

#include "luck.h"

std::mutex settings_mutex;
std::mutex window_mutex;

void Restore() {
  std::lock_guard<std::mutex> settings(settings_mutex);
  std::lock_guard<std::mutex> window(window_mutex);
}

void Resize() {
  std::lock_guard<std::mutex> window(window_mutex);
  std::lock_guard<std::mutex> settings(settings_mutex);
}

int main() {
  static Luck restored;
  std::thread([] {
    Restore();
    restored.Done();
  }).detach();
  restored.Wait();
  std::thread resizer(Resize);
  resizer.join();
}
