// Two threads come to each mutex for the first time at the same moment, one of them only to try. Whoever
// takes it gives it back: both must mean the same mutex.
// EXPECT: clean
#include <atomic>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

constexpr int kRounds = 5000;

std::atomic<int> arrived{0};

void Meet(int round) {
  ++arrived;
  for (int looks = 0; arrived < 2 * (round + 1);) {
    if (++looks % 1000 == 0) std::this_thread::yield();
  }
}

int main() {
  std::vector<std::unique_ptr<std::mutex>> mutexes(kRounds);
  for (auto& mutex : mutexes) mutex = std::make_unique<std::mutex>();
  std::thread trier([&] {
    for (int round = 0; round < kRounds; ++round) {
      Meet(round);
      if (mutexes[round]->try_lock()) mutexes[round]->unlock();
    }
  });
  std::thread taker([&] {
    for (int round = 0; round < kRounds; ++round) {
      Meet(round);
      std::lock_guard<std::mutex> lock(*mutexes[round]);
    }
  });
  trier.join();
  taker.join();
}
