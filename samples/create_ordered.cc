// Main takes the locks in one order before it creates the thread that takes them in the other, and again
// after it has joined it.
// EXPECT: clean
#include <mutex>
#include <thread>

std::mutex config_mutex;
std::mutex plugin_mutex;

void Main() {
  std::lock_guard<std::mutex> config(config_mutex);
  std::lock_guard<std::mutex> plugin(plugin_mutex);
}

void Plugin() {
  std::lock_guard<std::mutex> plugin(plugin_mutex);
  std::lock_guard<std::mutex> config(config_mutex);
}

int main() {
  Main();
  std::thread thread(Plugin);
  thread.join();
  Main();
}
