// Two threads walk a list and lock each node before they let the one before it go: always in one direction.
// EXPECT: clean
#include <array>
#include <barrier>
#include <memory>
#include <mutex>
#include <thread>

struct Node {
  std::mutex mutex;
  std::unique_ptr<Node> next;
  int visits = 0;
};

std::barrier start(2);

void Walk(Node* node) {
  start.arrive_and_wait();
  std::unique_lock<std::mutex> here(node->mutex);
  while (node->next != nullptr) {
    ++node->visits;
    node = node->next.get();
    std::unique_lock<std::mutex> there(node->mutex);
    here = std::move(there);
  }
}

int main() {
  Node head;
  Node* tail = &head;
  for (int i = 0; i < 100; ++i) {
    tail->next = std::make_unique<Node>();
    tail = tail->next.get();
  }
  std::thread one(Walk, &head);
  std::thread other(Walk, &head);
  one.join();
  other.join();
}
