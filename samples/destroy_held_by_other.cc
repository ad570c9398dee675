// Main destroys a mutex that another thread holds at this moment.
// EXPECT: destroy-in-use
#include <pthread.h>

#include <latch>
#include <thread>

pthread_mutex_t buffer_mutex = PTHREAD_MUTEX_INITIALIZER;

int main() {
  std::latch locked(1), destroyed(1);
  std::thread writer([&] {
    pthread_mutex_lock(&buffer_mutex);
    locked.count_down();
    destroyed.wait();
    pthread_mutex_unlock(&buffer_mutex);
  });
  locked.wait();
  pthread_mutex_destroy(&buffer_mutex);
  destroyed.count_down();
  writer.join();
}
