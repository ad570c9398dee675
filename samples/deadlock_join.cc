// The destructor of a service joins its worker while it holds the lock that the worker needs to finish.
// OPTIONS: --on-deadlock=kill
// HANGS
// EXPECT: deadlock
#include <latch>
#include <mutex>
#include <thread>

class Service {
 public:
  Service() : worker_([this] { Work(); }) {}

  ~Service() {
    std::lock_guard<std::mutex> lock(mutex_);
    stopping_.count_down();
    worker_.join();
  }

 private:
  void Work() {
    stopping_.wait();
    std::lock_guard<std::mutex> lock(mutex_);
  }

  std::mutex mutex_;
  std::latch stopping_{1};
  std::thread worker_;
};

int main() { Service service; }
