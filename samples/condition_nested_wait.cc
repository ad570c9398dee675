// The monitor holds the log while it waits for news, and every reporter takes the log before it tells any. A
// report that came before the monitor went to wait was the last one.
// EXPECT: condition-nested-wait
#include <pthread.h>

#include <thread>

#include "luck.h"

pthread_mutex_t log_mutex = PTHREAD_MUTEX_INITIALIZER;
pthread_mutex_t news_mutex = PTHREAD_MUTEX_INITIALIZER;
pthread_cond_t news_came;
bool waiting = false;

void Report() {
  pthread_mutex_lock(&log_mutex);
  pthread_mutex_lock(&news_mutex);
  pthread_cond_signal(&news_came);
  pthread_mutex_unlock(&news_mutex);
  pthread_mutex_unlock(&log_mutex);
}

void Monitor() {
  pthread_mutex_lock(&log_mutex);
  pthread_mutex_lock(&news_mutex);
  waiting = true;
  pthread_cond_wait(&news_came, &news_mutex);
}

int main() {
  pthread_cond_init(&news_came, nullptr);
  Luck reported;
  std::thread reporter([&] {
    Report();
    reported.Done();
  });
  std::thread([&] {
    reported.Wait();
    Monitor();
  }).detach();
  for (bool given_up = false; !given_up; usleep(1000)) {
    pthread_mutex_lock(&news_mutex);
    given_up = waiting;
    pthread_mutex_unlock(&news_mutex);
  }
  reporter.join();
}
