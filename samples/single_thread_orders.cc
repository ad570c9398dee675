// One thread takes two locks in both orders. It cannot wait for itself.
// EXPECT: clean
#include <mutex>
#include <thread>

std::mutex a_mutex;
std::mutex b_mutex;

int main() {
  std::thread only([] {
    {
      std::lock_guard<std::mutex> a(a_mutex);
      std::lock_guard<std::mutex> b(b_mutex);
    }
    std::lock_guard<std::mutex> b(b_mutex);
    std::lock_guard<std::mutex> a(a_mutex);
  });
  only.join();
}
