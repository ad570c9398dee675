// A gate lock that one side lets go too early: it is held when the second thread takes its first lock, but no
// longer when it waits for the second one.
// EXPECT: lock-order-cycle
#include <mutex>
#include <thread>

#include "luck.h"

std::mutex gate_mutex;
std::mutex table_mutex;
std::mutex row_mutex;

void Scan() {
  std::lock_guard<std::mutex> gate(gate_mutex);
  std::lock_guard<std::mutex> table(table_mutex);
  std::lock_guard<std::mutex> row(row_mutex);
}

void Update() {
  std::unique_lock<std::mutex> gate(gate_mutex);
  std::lock_guard<std::mutex> row(row_mutex);
  gate.unlock();
  std::lock_guard<std::mutex> table(table_mutex);
}

int main() {
  Luck scanned;
  std::thread scanner([&] {
    Scan();
    scanned.Done();
  });
  std::thread updater([&] {
    scanned.Wait();
    Update();
  });
  scanner.join();
  updater.join();
}
