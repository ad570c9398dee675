// A cache that finds nothing under its read lock tries to get the write lock too. While it reads itself the
// try fails, so it gives the read lock up, takes the write lock, and looks again.
// EXPECT: clean
#include <shared_mutex>
#include <thread>

class Cache {
 public:
  int Get() {
    mutex_.lock_shared();
    const int known = value_;
    const bool writing = known == 0 && mutex_.try_lock();
    if (writing) {
      value_ = 42;
      mutex_.unlock();
    }
    mutex_.unlock_shared();
    return known != 0 || writing ? value_ : Fill();
  }

 private:
  int Fill() {
    mutex_.lock();
    value_ = 42;
    mutex_.unlock();
    return 42;
  }

  std::shared_mutex mutex_;
  int value_ = 0;
};

int main() {
  Cache cache;
  std::thread other([&] { cache.Get(); });
  const int value = cache.Get();
  other.join();
  return value == 42 ? 0 : 1;
}
