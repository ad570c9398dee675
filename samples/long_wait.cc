// Waits for a lock that another thread keeps for long.
// EXPECT: long-wait
// OPTIONS: --wait-ms 20
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <mutex>
#include <string>
#include <thread>

std::mutex table;
std::atomic<long> reader_id;

bool IsAsleep(long thread) {
  std::ifstream stat("/proc/self/task/" + std::to_string(thread) + "/stat");
  std::string text;
  std::getline(stat, text);
  return text.find(") S") != std::string::npos;
}

int main() {
  std::unique_lock lock(table);
  std::jthread reader([] {
    reader_id = syscall(SYS_gettid);
    std::lock_guard inner(table);
  });
  while (reader_id == 0 || !IsAsleep(reader_id)) {
    sched_yield();
  }
  poll(nullptr, 0, 60);
  lock.unlock();
}
