// A lookup reads the table twice, and this time the update asks for it just between: the table's lock lets
// the waiting writer go first, the second read waits behind it, and the writer waits for the first.
// OPTIONS: --on-deadlock=kill
// HANGS
// EXPECT: deadlock
#include <unistd.h>

#include <latch>
#include <thread>

#include "writer_rwlock.h"

WriterRwlock table;
std::latch reading(1);

int main() {
  std::thread update([] {
    reading.wait();
    table.Write();
    table.Unlock();
  });
  table.Read();
  reading.count_down();
  while (!table.WriterWaits()) {
    usleep(1000);
  }
  table.Read();
  table.Unlock();
  table.Unlock();
  update.join();
}
