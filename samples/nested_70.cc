// Seventy locks nested by recursion, one frame each, more than some detectors can count.
// EXPECT: clean
#include <barrier>
#include <memory>
#include <mutex>
#include <thread>

struct Folder {
  std::mutex mutex;
  std::unique_ptr<Folder> inner;
};

std::barrier start(2);

int Size(Folder* folder) {
  if (folder == nullptr) {
    return 0;
  }
  std::lock_guard<std::mutex> lock(folder->mutex);
  return 1 + Size(folder->inner.get());
}

int main() {
  std::unique_ptr<Folder> root;
  for (int depth = 0; depth < 70; ++depth) {
    auto outer = std::make_unique<Folder>();
    outer->inner = std::move(root);
    root = std::move(outer);
  }
  int sizes[2] = {};
  auto work = [&](int who) {
    start.arrive_and_wait();
    sizes[who] = Size(root.get());
  };
  std::thread one(work, 0);
  std::thread other(work, 1);
  one.join();
  other.join();
  return sizes[0] == 70 && sizes[1] == 70 ? 0 : 1;
}
