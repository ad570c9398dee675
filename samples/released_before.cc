// One thread takes A, then B, lets A go and then takes C; the other one takes C and then A. Pairs of "taken
// after" make a cycle of that, but A is free again whenever anybody waits for C (google/sanitizers#814).
// EXPECT: clean
#include <mutex>
#include <thread>

#include "luck.h"

std::mutex a_mutex;
std::mutex b_mutex;
std::mutex c_mutex;

void Walk() {
  std::unique_lock<std::mutex> a(a_mutex);
  std::unique_lock<std::mutex> b(b_mutex);
  a.unlock();
  std::unique_lock<std::mutex> c(c_mutex);
}

void Back() {
  std::unique_lock<std::mutex> c(c_mutex);
  std::unique_lock<std::mutex> a(a_mutex);
}

int main() {
  Luck walked;
  std::thread walker([&] {
    Walk();
    walked.Done();
  });
  std::thread returner([&] {
    walked.Wait();
    Back();
  });
  walker.join();
  returner.join();
}
