// Two threads take a recursive lock, a plain lock and then the recursive lock again. The second time it is
// theirs already: no wait, no order.
// EXPECT: clean
#include <barrier>
#include <mutex>
#include <thread>

std::recursive_mutex tree_mutex;
std::mutex node_mutex;
std::barrier start(2);

void Visit(int depth) {
  std::lock_guard<std::recursive_mutex> tree(tree_mutex);
  if (depth > 0) {
    Visit(depth - 1);
  }
}

void Update() {
  start.arrive_and_wait();
  for (int i = 0; i < 1000; ++i) {
    std::lock_guard<std::recursive_mutex> tree(tree_mutex);
    std::lock_guard<std::mutex> node(node_mutex);
    Visit(3);
  }
}

int main() {
  std::thread one(Update);
  std::thread other(Update);
  one.join();
  other.join();
}
