// The order goes through a third thread: it joins the first one, and only then main joins it and creates the
// second one.
// EXPECT: clean
#include <mutex>
#include <thread>

std::mutex a_mutex;
std::mutex b_mutex;

int main() {
  std::thread middle([] {
    std::thread first([] {
      std::lock_guard<std::mutex> a(a_mutex);
      std::lock_guard<std::mutex> b(b_mutex);
    });
    first.join();
  });
  middle.join();
  std::thread creator([] {
    std::thread second([] {
      std::lock_guard<std::mutex> b(b_mutex);
      std::lock_guard<std::mutex> a(a_mutex);
    });
    second.join();
  });
  creator.join();
}
