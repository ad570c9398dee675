// A program execs itself three times, as servers do to reload, with a lock held across each exec.
// EXPECT: clean
#include <unistd.h>

#include <cstdlib>
#include <mutex>
#include <string>

std::mutex state_mutex;

int main(int argc, char** argv) {
  const int generation = argc > 1 ? std::atoi(argv[1]) : 0;
  if (generation == 3) {
    return 0;
  }
  std::lock_guard<std::mutex> lock(state_mutex);
  execl("/proc/self/exe", argv[0], std::to_string(generation + 1).c_str(), nullptr);
  return 1;
}
