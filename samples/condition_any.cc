// std::condition_variable_any with two kinds of lock at the same time: it has a mutex of its own, so that is
// legal.
// EXPECT: clean
#include <condition_variable>
#include <mutex>
#include <shared_mutex>
#include <thread>

std::mutex plain;
std::shared_mutex shared;
std::condition_variable_any changed;
bool done = false;  // written with both locks held

template <typename Lock>
void WaitWith(Lock lock) {
  changed.wait(lock, [] { return done; });
}

int main() {
  std::thread one([] { WaitWith(std::unique_lock(plain)); });
  std::thread two([] { WaitWith(std::shared_lock(shared)); });
  {
    std::scoped_lock both(plain, shared);
    done = true;
  }
  changed.notify_all();
  one.join();
  two.join();
}
