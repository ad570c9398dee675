// Stopping the service joins its worker while holding the lock that the worker takes for every job. Today the
// worker was done long before; when stop comes in the middle of a job, neither ever ends.
// EXPECT: join-order-cycle
#include <mutex>
#include <thread>

#include "luck.h"

class Service {
 public:
  Service() : worker_([this] { Work(); }) {}

  void Stop() {
    worked_.Wait();
    std::lock_guard<std::mutex> lock(mutex_);
    worker_.join();
  }

 private:
  void Work() {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      ++jobs_;
    }
    worked_.Done();
  }

  std::mutex mutex_;
  int jobs_ = 0;
  Luck worked_;
  std::thread worker_;
};

int main() {
  Service service;
  service.Stop();
}
