// The mistake is made in a child that was forked from a multi-threaded parent, never calls exec and leaves by
// _exit. Nothing of the parent is wrong.
// EXPECT: lock-order-cycle
#include <sys/wait.h>
#include <unistd.h>

#include <latch>
#include <mutex>
#include <thread>

#include "luck.h"

std::mutex jobs_mutex;
std::mutex results_mutex;

void Child() {
  Luck first;
  std::thread one([&] {
    std::lock_guard<std::mutex> jobs(jobs_mutex);
    std::lock_guard<std::mutex> results(results_mutex);
    first.Done();
  });
  std::thread other([&] {
    first.Wait();
    std::lock_guard<std::mutex> results(results_mutex);
    std::lock_guard<std::mutex> jobs(jobs_mutex);
  });
  one.join();
  other.join();
}

int main() {
  std::latch forked(1);
  std::thread bystander([&] { forked.wait(); });
  const pid_t child = fork();
  if (child == 0) {
    Child();
    _exit(0);
  }
  forked.count_down();
  bystander.join();
  int status = 0;
  waitpid(child, &status, 0);
  return WEXITSTATUS(status);
}
