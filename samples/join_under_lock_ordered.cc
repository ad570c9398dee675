// Stopping the service joins its worker under the worker's lock, but only after the worker has said that it
// is past its last job: by a semaphore, on which the stop waits first.
// EXPECT: clean
#include <semaphore.h>

#include <mutex>
#include <thread>

std::mutex mutex;
sem_t past_last_job;

int main() {
  sem_init(&past_last_job, 0, 0);
  std::thread worker([] {
    mutex.lock();
    mutex.unlock();
    sem_post(&past_last_job);
  });
  sem_wait(&past_last_job);
  mutex.lock();
  worker.join();
  mutex.unlock();
  sem_destroy(&past_last_job);
}
