// Locks that are taken before main: in a constructor function and while a static object is built, with a
// thread created there that main joins.
// EXPECT: clean
#include <pthread.h>

#include <mutex>
#include <thread>

pthread_mutex_t early_mutex = PTHREAD_MUTEX_INITIALIZER;
std::mutex pool_mutex;
int steps = 0;

__attribute__((constructor(101))) void Early() {
  pthread_mutex_lock(&early_mutex);
  pthread_mutex_unlock(&early_mutex);
}

struct Pool {
  Pool() : worker([this] { Step(); }) { Step(); }
  void Step() {
    std::lock_guard<std::mutex> lock(pool_mutex);
    ++steps;
  }
  std::thread worker;
};

Pool pool;

int main() {
  pool.worker.join();
  return steps == 2 ? 0 : 1;
}
