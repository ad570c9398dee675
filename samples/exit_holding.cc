// An error path calls exit in the middle of a critical section.
// EXPECT: lock-held-at-process-exit
#include <cstdlib>
#include <mutex>

std::mutex table_mutex;

void Load(const char* path) {
  std::lock_guard<std::mutex> lock(table_mutex);
  if (path == nullptr) {
    std::exit(7);
  }
}

int main() { Load(nullptr); }
