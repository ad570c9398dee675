// A launcher replaces itself by the real program with exec; the mistake is made in the second image.
// EXPECT: lock-order-cycle
#include <unistd.h>

#include <mutex>
#include <thread>

#include "luck.h"

std::mutex input_mutex;
std::mutex output_mutex;

int main(int argc, char** argv) {
  if (argc == 1) {
    execl("/proc/self/exe", argv[0], "launched", nullptr);
    return 1;
  }
  Luck first;
  std::thread one([&] {
    std::lock_guard<std::mutex> input(input_mutex);
    std::lock_guard<std::mutex> output(output_mutex);
    first.Done();
  });
  std::thread other([&] {
    first.Wait();
    std::lock_guard<std::mutex> output(output_mutex);
    std::lock_guard<std::mutex> input(input_mutex);
  });
  one.join();
  other.join();
}
