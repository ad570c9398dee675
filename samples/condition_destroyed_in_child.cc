// A program with a worker forks, and the child calls exit(): the end of the static condition waits until its
// waiters have left it. The one waiter is a thread of the parent.
// EXPECT: deadlock error
// OPTIONS: --on-deadlock=kill-tree
// HANGS
#include <sys/wait.h>
#include <unistd.h>

#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <thread>

std::mutex queue_mutex;
std::condition_variable queue_ready;
bool waits;
bool stop;

void Flush() {
  std::unique_lock<std::mutex> lock(queue_mutex);
  waits = true;
  queue_ready.wait(lock, [] { return stop; });
}

bool Waits() {
  std::lock_guard<std::mutex> lock(queue_mutex);
  return waits;
}

int main() {
  std::thread flusher(Flush);
  while (!Waits()) {
    std::this_thread::yield();
  }
  const pid_t child = fork();
  if (child == 0) {
    flusher.detach();
    std::exit(0);
  }
  waitpid(child, nullptr, 0);
  {
    std::lock_guard<std::mutex> lock(queue_mutex);
    stop = true;
  }
  queue_ready.notify_all();
  flusher.join();
}
