// The worker waits for jobs with the statistics locked. Woken up, it takes the queue back, while whoever
// brings a job has the queue and wants the statistics. It goes well as long as all jobs came before the wait.
// EXPECT: lock-order-cycle
#include <pthread.h>

#include <thread>

#include "luck.h"

pthread_mutex_t queue_mutex = PTHREAD_MUTEX_INITIALIZER;
pthread_mutex_t statistics_mutex = PTHREAD_MUTEX_INITIALIZER;
pthread_cond_t news = PTHREAD_COND_INITIALIZER;
bool waiting, stop;

void Work() {
  pthread_mutex_lock(&queue_mutex);
  pthread_mutex_lock(&statistics_mutex);
  waiting = true;
  while (!stop) pthread_cond_wait(&news, &queue_mutex);
  pthread_mutex_unlock(&statistics_mutex);
  pthread_mutex_unlock(&queue_mutex);
}

void Bring() {
  pthread_mutex_lock(&queue_mutex);
  pthread_cond_signal(&news);
  pthread_mutex_lock(&statistics_mutex);
  pthread_mutex_unlock(&statistics_mutex);
  pthread_mutex_unlock(&queue_mutex);
}

int main() {
  Luck brought;
  std::thread bringer([&] {
    Bring();
    brought.Done();
  });
  std::thread worker([&] {
    brought.Wait();
    Work();
  });
  for (bool told = false; !told; usleep(20000)) {
    pthread_mutex_lock(&queue_mutex);
    told = stop = waiting;
    pthread_cond_signal(&news);
    pthread_mutex_unlock(&queue_mutex);
  }
  bringer.join();
  worker.join();
}
