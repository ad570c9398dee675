// Programs with a cycle and no sleep, for bench/precision: threads do the same short thing again and again,
// so that the deadlock can happen at any moment and hardly ever does.
//   cycles philosophers N | ring N | abba | readers | gated | one-thread | ordered
#include <pthread.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr int kRounds = 50;

// Work between two critical sections: the threads are seldom inside at the same time.
void Think(unsigned seed) {
  volatile unsigned x = seed;
  for (int i = 0; i < 200000; ++i) {
    x = x * 1664525u + 1013904223u;
  }
}

void Run(int threads, void (*body)(int thread, int round)) {
  std::vector<std::thread> all;
  for (int t = 0; t < threads; ++t) {
    all.emplace_back([=] {
      for (int round = 0; round < kRounds; ++round) {
        Think(static_cast<unsigned>(t * 977 + round));
        body(t, round);
      }
    });
  }
  for (std::thread& thread : all) {
    thread.join();
  }
}

int count = 2;
std::vector<std::mutex> forks(16);
std::mutex gate;
std::shared_mutex left;
std::shared_mutex right;
std::atomic<bool> first_done{false};

void Dine(int thread, int) {
  std::lock_guard<std::mutex> first(forks[static_cast<size_t>(thread)]);
  std::lock_guard<std::mutex> second(forks[static_cast<size_t>((thread + 1) % count)]);
}

void Readers(int thread, int) {
  std::shared_lock<std::shared_mutex> read(thread == 0 ? left : right);
  std::unique_lock<std::shared_mutex> write(thread == 0 ? right : left);
}

void Gated(int thread, int round) {
  std::lock_guard<std::mutex> guard(gate);
  Dine(thread, round);
}

void OneThread(int, int) {
  Dine(0, 0);
  Dine(1, 0);
}

// The second thread takes its locks only after the first is done with them for good: an order that no call
// makes.
void Ordered() {
  std::thread first([] {
    Dine(0, 0);
    first_done = true;
  });
  std::thread second([] {
    while (!first_done) {
      std::this_thread::yield();
    }
    Dine(1, 0);
  });
  first.join();
  second.join();
}

}  // namespace

int main(int argc, char** argv) {
  const std::string pattern = argc > 1 ? argv[1] : "abba";
  count = argc > 2 ? std::atoi(argv[2]) : 2;
  if (pattern == "philosophers" || pattern == "ring" || pattern == "abba") {
    Run(count, Dine);
  } else if (pattern == "readers") {
    Run(2, Readers);
  } else if (pattern == "gated") {
    Run(count, Gated);
  } else if (pattern == "one-thread") {
    Run(1, OneThread);
  } else if (pattern == "ordered") {
    Ordered();
  } else {
    return 2;
  }
  std::puts("done");
}
