// Locks that are taken very late: in a thread_local destructor, in an atexit function and in the destructor
// of a static object after main.
// EXPECT: clean
#include <cstdlib>
#include <mutex>
#include <thread>

std::mutex log_mutex;
int flushed = 0;

void Flush() {
  std::lock_guard<std::mutex> lock(log_mutex);
  ++flushed;
}

struct Buffer {
  ~Buffer() { Flush(); }
  int lines = 0;
};

Buffer static_buffer;
thread_local Buffer thread_buffer;

int main() {
  std::atexit(Flush);
  std::thread writer([] { ++thread_buffer.lines; });
  writer.join();
  ++static_buffer.lines;
  return flushed == 1 ? 0 : 1;
}
