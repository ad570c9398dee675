// Properly destroyed and initialised again in the same place, and then used in the other order.
// EXPECT: clean
#include <pthread.h>

#include <latch>
#include <thread>

pthread_mutex_t a_mutex, b_mutex;

void Both(pthread_mutex_t* outer, pthread_mutex_t* inner) {
  pthread_mutex_lock(outer);
  pthread_mutex_lock(inner);
  pthread_mutex_unlock(inner);
  pthread_mutex_unlock(outer);
}

int main() {
  std::latch used(1), renewed(1);
  pthread_mutex_init(&a_mutex, nullptr);
  pthread_mutex_init(&b_mutex, nullptr);
  std::thread one([&] {
    Both(&a_mutex, &b_mutex);
    used.count_down();
    renewed.wait();
  });
  std::thread other([&] {
    renewed.wait();
    Both(&b_mutex, &a_mutex);
  });
  used.wait();
  pthread_mutex_destroy(&a_mutex);
  pthread_mutex_destroy(&b_mutex);
  pthread_mutex_init(&a_mutex, nullptr);
  pthread_mutex_init(&b_mutex, nullptr);
  renewed.count_down();
  one.join();
  other.join();
  pthread_mutex_destroy(&a_mutex);
  pthread_mutex_destroy(&b_mutex);
}
