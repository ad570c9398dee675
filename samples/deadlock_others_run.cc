// Two workers deadlock while the main thread goes on serving for ever: the program as a whole never stands
// still, and yet two of its threads are lost.
// OPTIONS: --on-deadlock=kill
// HANGS
// EXPECT: deadlock
#include <unistd.h>

#include <barrier>
#include <mutex>
#include <thread>

std::mutex queue_mutex;
std::mutex disk_mutex;
std::mutex heartbeat_mutex;
std::barrier both_hold_one(2);

void Work(std::mutex& outer, std::mutex& inner) {
  std::lock_guard<std::mutex> outer_lock(outer);
  both_hold_one.arrive_and_wait();
  std::lock_guard<std::mutex> inner_lock(inner);
}

int main() {
  std::thread reader([] { Work(queue_mutex, disk_mutex); });
  std::thread writer([] { Work(disk_mutex, queue_mutex); });
  for (;;) {
    std::lock_guard<std::mutex> beat(heartbeat_mutex);
    usleep(1000);
  }
}
