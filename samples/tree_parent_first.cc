// Every node of a tree has a mutex of the same class, and a parent's is taken before its children's: an
// order, although each place locks what another place locks too.
// EXPECT: clean
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

struct Node {
  std::mutex mutex;
  std::vector<std::unique_ptr<Node>> children;
};

std::unique_ptr<Node> Tree(int depth) {
  auto node = std::make_unique<Node>();
  for (int i = 0; depth > 0 && i < 2; ++i) {
    node->children.push_back(Tree(depth - 1));
  }
  return node;
}

void Visit(Node* node) {
  const std::lock_guard<std::mutex> lock(node->mutex);
  for (const auto& child : node->children) {
    Visit(child.get());
  }
}

int main() {
  const auto tree = Tree(4);
  std::thread one([&] { Visit(tree.get()); });
  std::thread other([&] {
    for (const auto& child : tree->children) {
      Visit(child.get());
    }
  });
  one.join();
  other.join();
}
