// A forked worker process deadlocks and its parent waits for it: the parent is only a victim.
// OPTIONS: --on-deadlock=kill-tree
// HANGS
// EXPECT: deadlock
#include <sys/wait.h>
#include <unistd.h>

#include <barrier>
#include <mutex>
#include <thread>

std::mutex request_mutex;
std::mutex reply_mutex;

void Child() {
  std::barrier both_hold_one(2);
  auto work = [&](std::mutex& outer, std::mutex& inner) {
    std::lock_guard<std::mutex> outer_lock(outer);
    both_hold_one.arrive_and_wait();
    std::lock_guard<std::mutex> inner_lock(inner);
  };
  std::thread one([&] { work(request_mutex, reply_mutex); });
  std::thread other([&] { work(reply_mutex, request_mutex); });
  one.join();
  other.join();
}

int main() {
  const pid_t child = fork();
  if (child == 0) {
    Child();
    _exit(0);
  }
  waitpid(child, nullptr, 0);
}
