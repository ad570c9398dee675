// A worker returns without unlocking. Nobody can ever unlock for it, so the next one to lock waits for good.
// OPTIONS: --on-deadlock=kill
// HANGS
// EXPECT: abandoned-lock
// EXPECT: lock-held-at-thread-exit
#include <mutex>
#include <thread>

std::mutex ledger_mutex;
bool broken = true;

void Book() {
  ledger_mutex.lock();
  if (broken) {
    return;
  }
  ledger_mutex.unlock();
}

int main() {
  std::thread worker(Book);
  worker.join();
  std::lock_guard<std::mutex> ledger(ledger_mutex);
}
