// Programs with a cycle and no sleep, for bench/precision: threads do the same short thing again and again,
// so that the deadlock can happen at any moment and hardly ever does.
//   cycles philosophers N | ring N | abba | readers | join | processes | child
// And such in which it never can: by a gate, or because one thread does both (silent), or by data alone
// (predicted).
//   cycles gated | one-thread | ordered | join-ordered | processes-ordered
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

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
constexpr int kJoins = 3;

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

// The worker is done long before it is joined.
void Join() {
  for (int round = 0; round < kJoins; ++round) {
    std::thread worker([] { std::lock_guard<std::mutex> lock(forks[0]); });
    for (unsigned i = 0; i < 50; ++i) {
      Think(i);
    }
    std::lock_guard<std::mutex> lock(forks[0]);
    worker.join();
  }
}

void JoinOrdered() {
  std::thread worker([] {
    forks[0].lock();
    forks[0].unlock();
    first_done = true;
  });
  while (!first_done) {
    std::this_thread::yield();
  }
  std::lock_guard<std::mutex> lock(forks[0]);
  worker.join();
}

// ---- Over processes
// -------------------------------------------------------------------------------------------------

struct Shared {
  pthread_mutex_t forks[2];
  std::atomic<bool> first_done;
};

Shared* MapShared() {
  auto* shared = static_cast<Shared*>(
      mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  for (pthread_mutex_t& mutex : shared->forks) {
    pthread_mutex_init(&mutex, &attributes);
  }
  return shared;
}

void Dine(Shared* shared, int first) {
  pthread_mutex_lock(&shared->forks[first]);
  pthread_mutex_lock(&shared->forks[1 - first]);
  pthread_mutex_unlock(&shared->forks[1 - first]);
  pthread_mutex_unlock(&shared->forks[first]);
}

template <typename Work>
pid_t Child(Work work) {
  const pid_t pid = fork();
  if (pid == 0) {
    work();
    _exit(0);
  }
  return pid;
}

void Processes() {
  Shared* shared = MapShared();
  pid_t children[2];
  for (int c = 0; c < 2; ++c) {
    children[c] = Child([=] {
      for (int round = 0; round < kRounds; ++round) {
        Think(static_cast<unsigned>(c * 977 + round));
        Dine(shared, c);
      }
    });
  }
  waitpid(children[0], nullptr, 0);
  waitpid(children[1], nullptr, 0);
}

void ProcessesOrdered() {
  Shared* shared = MapShared();
  const pid_t child = Child([=] {
    Dine(shared, 0);
    shared->first_done = true;
  });
  while (!shared->first_done) {
    sched_yield();
  }
  Dine(shared, 1);
  waitpid(child, nullptr, 0);
}

// The parent waits for a child that was done with the lock long before.
void WaitUnderLock() {
  Shared* shared = MapShared();
  for (int round = 0; round < kJoins; ++round) {
    const pid_t child = Child([=] { Dine(shared, 0); });
    for (unsigned i = 0; i < 50; ++i) {
      Think(i);
    }
    pthread_mutex_lock(&shared->forks[0]);
    waitpid(child, nullptr, 0);
    pthread_mutex_unlock(&shared->forks[0]);
  }
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
  } else if (pattern == "join") {
    Join();
  } else if (pattern == "join-ordered") {
    JoinOrdered();
  } else if (pattern == "processes") {
    Processes();
  } else if (pattern == "processes-ordered") {
    ProcessesOrdered();
  } else if (pattern == "child") {
    WaitUnderLock();
  } else {
    return 2;
  }
  std::puts("done");
}
