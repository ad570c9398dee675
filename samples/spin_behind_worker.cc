// One thread spins for a second while the one that has the lock works: slow, but it goes on.
// EXPECT: clean
#include <pthread.h>

#include <chrono>
#include <latch>
#include <thread>

pthread_spinlock_t table_lock;

void Work(std::chrono::milliseconds duration) {
  const auto end = std::chrono::steady_clock::now() + duration;
  while (std::chrono::steady_clock::now() < end) {
  }
}

int main() {
  std::latch taken(1);
  pthread_spin_init(&table_lock, PTHREAD_PROCESS_PRIVATE);
  std::thread worker([&] {
    pthread_spin_lock(&table_lock);
    taken.count_down();
    Work(std::chrono::seconds(1));
    pthread_spin_unlock(&table_lock);
  });
  std::thread spinner([&] {
    taken.wait();
    pthread_spin_lock(&table_lock);
    pthread_spin_unlock(&table_lock);
  });
  worker.join();
  spinner.join();
  pthread_spin_destroy(&table_lock);
}
