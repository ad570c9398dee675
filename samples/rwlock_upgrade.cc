// A cache that finds nothing under its read lock takes the write lock to fill it in, without giving up the
// read lock first. The writer waits for all readers to leave, and this reader waits for the writer.
// OPTIONS: --on-deadlock=kill
// HANGS
// EXPECT: self-deadlock
#include <mutex>
#include <shared_mutex>

class Cache {
 public:
  int Get() {
    std::shared_lock<std::shared_mutex> reading(mutex_);
    if (value_ == 0) {
      std::unique_lock<std::shared_mutex> writing(mutex_);
      value_ = 42;
    }
    return value_;
  }

 private:
  std::shared_mutex mutex_;
  int value_ = 0;
};

int main() {
  Cache cache;
  return cache.Get() == 42 ? 0 : 1;
}
