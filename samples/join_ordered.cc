// The first thread is joined before the second one is created: start-up and shutdown code may use two orders.
// EXPECT: clean
#include <mutex>
#include <thread>

std::mutex a_mutex;
std::mutex b_mutex;

int main() {
  std::thread startup([] {
    std::lock_guard<std::mutex> a(a_mutex);
    std::lock_guard<std::mutex> b(b_mutex);
  });
  startup.join();
  std::thread shutdown([] {
    std::lock_guard<std::mutex> b(b_mutex);
    std::lock_guard<std::mutex> a(a_mutex);
  });
  shutdown.join();
}
