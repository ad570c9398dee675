// An ordinary program: threads, nested locks, a condition, children, and something for sanitizers to find if
// asked.
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "probe.h"

static std::mutex first, second;
static std::condition_variable changed;
static int turn;
static int unprotected;

static void Work() {
  for (int i = 0; i < 200; ++i) {
    std::lock_guard<std::mutex> outer(first);
    std::lock_guard<std::mutex> inner(second);
    ++turn;
  }
  std::lock_guard<std::mutex> guard(first);
  changed.notify_all();
}

static void WorkTogether() {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back(Work);
  }
  {
    std::unique_lock<std::mutex> lock(first);
    changed.wait(lock, [] { return turn == 800; });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
}

int main(int argc, char** argv) {
  WorkTogether();
  const pid_t child = fork();
  if (child == 0) {
    turn = 0;
    WorkTogether();
    _exit(9);
  }
  Reap("child", child);
  Say("did %d\n", turn);
  if (argc > 1 && strcmp(argv[1], "race") == 0) {
    std::thread one([] { ++unprotected; });
    std::thread two([] { ++unprotected; });
    one.join();
    two.join();
  }
  if (argc > 1 && strcmp(argv[1], "free") == 0) {
    int* volatile gone = new int(3);
    delete gone;
    return *gone;
  }
  if (argc > 1 && strcmp(argv[1], "order") == 0) {
    second.lock();
    first.lock();
    first.unlock();
    second.unlock();
  }
  return 21;
}
