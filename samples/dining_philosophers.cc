// Five philosophers, five forks, everyone takes the left fork first. Each dines after the one before, so that
// nobody starves today.
// EXPECT: lock-order-cycle
#include <mutex>
#include <thread>
#include <vector>

#include "luck.h"

constexpr int kSeats = 5;
std::mutex forks[kSeats];

void Dine(int seat) {
  std::lock_guard<std::mutex> left(forks[seat]);
  std::lock_guard<std::mutex> right(forks[(seat + 1) % kSeats]);
}

int main() {
  Luck dined[kSeats];
  std::vector<std::thread> philosophers;
  for (int seat = 0; seat < kSeats; ++seat) {
    philosophers.emplace_back([&dined, seat] {
      if (seat > 0) {
        dined[seat - 1].Wait();
      }
      Dine(seat);
      dined[seat].Done();
    });
  }
  for (std::thread& philosopher : philosophers) {
    philosopher.join();
  }
}
