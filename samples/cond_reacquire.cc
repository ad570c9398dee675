// A worker waits for work on a condition while it also holds the statistics lock. When it wakes it must take
// the queue lock again, still holding statistics: the reverse of what the reporter does. The order hides in
// pthread_cond_wait.
// EXPECT: lock-order-cycle
#include <pthread.h>

#include <thread>

#include "luck.h"

pthread_mutex_t queue_mutex = PTHREAD_MUTEX_INITIALIZER;
pthread_mutex_t statistics_mutex = PTHREAD_MUTEX_INITIALIZER;
pthread_cond_t work_arrived = PTHREAD_COND_INITIALIZER;
bool waiting = false;
bool work = false;

void Worker() {
  pthread_mutex_lock(&queue_mutex);
  pthread_mutex_lock(&statistics_mutex);
  waiting = true;
  while (!work) {
    pthread_cond_wait(&work_arrived, &queue_mutex);
  }
  pthread_mutex_unlock(&statistics_mutex);
  pthread_mutex_unlock(&queue_mutex);
}

int main() {
  Luck worked;
  std::thread worker([&] {
    Worker();
    worked.Done();
  });
  std::thread reporter([&] {
    for (bool handed = false; !handed; usleep(1000)) {
      pthread_mutex_lock(&queue_mutex);
      work = handed = waiting;
      pthread_cond_signal(&work_arrived);
      pthread_mutex_unlock(&queue_mutex);
    }
    worked.Wait();
    pthread_mutex_lock(&queue_mutex);
    pthread_mutex_lock(&statistics_mutex);
    pthread_mutex_unlock(&statistics_mutex);
    pthread_mutex_unlock(&queue_mutex);
  });
  worker.join();
  reporter.join();
}
