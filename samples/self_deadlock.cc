// A method that locks calls another method of the same object that locks too.
// OPTIONS: --on-deadlock=kill
// HANGS
// EXPECT: self-deadlock
#include <mutex>
#include <string>

class Registry {
 public:
  void Add(const std::string& name) {
    std::lock_guard<std::mutex> lock(mutex_);
    names_ += name;
    if (Size() > 1000) {
      names_.clear();
    }
  }

  size_t Size() {
    std::lock_guard<std::mutex> lock(mutex_);
    return names_.size();
  }

 private:
  std::mutex mutex_;
  std::string names_;
};

int main() {
  Registry registry;
  registry.Add("first");
}
