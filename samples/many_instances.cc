// A hundred parents and children in a tree of widgets, all wrong in the same way: that is one finding, not a
// hundred.
// EXPECT: lock-order-cycle
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "luck.h"

struct Widget {
  std::mutex own_mutex;
  std::mutex child_mutex;
};

void Paint(Widget& widget) {
  std::lock_guard<std::mutex> own(widget.own_mutex);
  std::lock_guard<std::mutex> child(widget.child_mutex);
}

void Invalidate(Widget& widget) {
  std::lock_guard<std::mutex> child(widget.child_mutex);
  std::lock_guard<std::mutex> own(widget.own_mutex);
}

int main() {
  std::vector<std::unique_ptr<Widget>> widgets;
  for (int i = 0; i < 100; ++i) {
    widgets.push_back(std::make_unique<Widget>());
  }
  Luck painted;
  std::thread painter([&] {
    for (const auto& widget : widgets) {
      Paint(*widget);
    }
    painted.Done();
  });
  std::thread events([&] {
    painted.Wait();
    for (const auto& widget : widgets) {
      Invalidate(*widget);
    }
  });
  painter.join();
  events.join();
}
