// A queue with a bound, made of libsync's types: used as their namesakes of the C++ library are.
// EXPECT: clean
#include <libsync/condition.h>
#include <libsync/mutex.h>
#include <libsync/semaphore.h>
#include <libsync/thread.h>

#include <deque>
#include <mutex>

class Queue {
 public:
  void Put(int item) {
    room_.acquire();
    std::lock_guard lock(mutex_);
    items_.push_back(item);
    filled_.notify_one();
  }
  int Take() {
    std::unique_lock lock(mutex_);
    filled_.wait(lock, [this] { return !items_.empty(); });
    const int item = items_.front();
    items_.pop_front();
    room_.release();
    return item;
  }

 private:
  libsync::Mutex mutex_{"queue"};
  libsync::Condition filled_{"filled"};
  libsync::Semaphore room_{2, "room"};
  std::deque<int> items_;
};

int main() {
  Queue queue;
  int sum = 0;
  libsync::Thread taker("taker", [&] {
    while (const int item = queue.Take()) {
      sum += item;
    }
  });
  for (const int item : {1, 2, 3, 4, 0}) {
    queue.Put(item);
  }
  taker.join();
  return sum == 10 ? 0 : 1;
}
