// Two threads take two locks in two orders and this time they meet: the program hangs for good.
// OPTIONS: --on-deadlock=kill
// HANGS
// EXPECT: deadlock
#include <barrier>
#include <mutex>
#include <thread>

std::mutex orders_mutex;
std::mutex stock_mutex;
std::barrier both_hold_one(2);

void PlaceOrder() {
  std::lock_guard<std::mutex> orders(orders_mutex);
  both_hold_one.arrive_and_wait();
  std::lock_guard<std::mutex> stock(stock_mutex);
}

void Restock() {
  std::lock_guard<std::mutex> stock(stock_mutex);
  both_hold_one.arrive_and_wait();
  std::lock_guard<std::mutex> orders(orders_mutex);
}

int main() {
  std::thread shop(PlaceOrder);
  std::thread warehouse(Restock);
  shop.join();
  warehouse.join();
}
