// Two threads wait at a barrier for the third, which has work to do first, and main waits for them all.
// EXPECT: clean
#include <unistd.h>

#include <barrier>
#include <thread>

std::barrier all_ready(3);

int main() {
  std::thread early([] { all_ready.arrive_and_wait(); });
  std::thread another([] { all_ready.arrive_and_wait(); });
  std::thread late([] {
    sleep(2);
    all_ready.arrive_and_wait();
  });
  early.join();
  another.join();
  late.join();
}
