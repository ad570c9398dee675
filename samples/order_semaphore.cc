// A loader takes two locks in one order and then posts; the user waits for the post and takes them in the
// other order. Nothing happens as long as everybody waits for that post first, which no lock enforces.
// EXPECT: lock-order-cycle warning
#include <semaphore.h>

#include <mutex>
#include <thread>

std::mutex config;
std::mutex cache;

int main() {
  sem_t loaded;
  sem_init(&loaded, 0, 0);
  std::thread loader([&] {
    {
      const std::lock_guard<std::mutex> outer(config);
      const std::lock_guard<std::mutex> inner(cache);
    }
    sem_post(&loaded);
  });
  std::thread user([&] {
    sem_wait(&loaded);
    const std::lock_guard<std::mutex> outer(cache);
    const std::lock_guard<std::mutex> inner(config);
  });
  loader.join();
  user.join();
  sem_destroy(&loaded);
}
