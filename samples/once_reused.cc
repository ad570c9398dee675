// Flags that come and go at one address are not one lock: each job has its own, and their initialisers take
// two locks in the two orders that the jobs' owners take them in.
// EXPECT: clean
#include <mutex>
#include <thread>

#include "luck.h"

std::mutex index_mutex;

struct Job {
  std::once_flag prepared;
};

void PrepareUnderLock(Job* job) {
  std::lock_guard<std::mutex> index(index_mutex);
  std::call_once(job->prepared, [] {});
}

void PrepareThenLock(Job* job) {
  std::call_once(job->prepared, [] { std::lock_guard<std::mutex> index(index_mutex); });
}

int main() {
  static Luck done;
  alignas(Job) static unsigned char memory[sizeof(Job)];
  std::thread first([] {
    PrepareUnderLock(new (memory) Job);
    done.Done();
  });
  std::thread second([] {
    done.Wait();
    PrepareThenLock(new (memory) Job);
  });
  first.join();
  second.join();
}
