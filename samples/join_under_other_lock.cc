// Stopping joins the workers under the lock of the list of workers; the workers take the lock of the jobs.
// The list's lock is taken by a worker too, but only by one that another worker has started and joined
// before.
// EXPECT: clean
#include <mutex>
#include <thread>
#include <vector>

std::mutex workers_mutex;
std::mutex jobs_mutex;
int jobs = 0;

int main() {
  std::thread scout([] {
    workers_mutex.lock();
    workers_mutex.unlock();
  });
  scout.join();
  std::vector<std::thread> workers;
  for (int i = 0; i < 4; ++i) {
    workers.emplace_back([] {
      std::lock_guard<std::mutex> lock(jobs_mutex);
      ++jobs;
    });
  }
  std::lock_guard<std::mutex> lock(workers_mutex);
  for (std::thread& worker : workers) {
    worker.join();
  }
}
