// A loader takes two locks in one order, posts, and later does so again; the user waited for the first time
// alone. One time without the wait is enough.
// EXPECT: lock-order-cycle error
#include <semaphore.h>

#include <mutex>
#include <thread>

#include "luck.h"

std::mutex config;
std::mutex cache;

void Load() {
  const std::lock_guard<std::mutex> outer(config);
  const std::lock_guard<std::mutex> inner(cache);
}

int main() {
  sem_t loaded;
  Luck used;
  sem_init(&loaded, 0, 0);
  std::thread loader([&] {
    for (int i = 0; i < 2; ++i) {
      Load();
      sem_post(&loaded);
      used.Wait();
    }
  });
  std::thread user([&] {
    sem_wait(&loaded);
    {
      const std::lock_guard<std::mutex> outer(cache);
      const std::lock_guard<std::mutex> inner(config);
    }
    used.Done();
  });
  loader.join();
  user.join();
  sem_destroy(&loaded);
}
