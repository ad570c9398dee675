// Both the index and the cache only ever read the table while they work: readers do not wait for readers. But
// the table's lock lets writers go first, and a reload writes it: then a reader waits for the writer, which
// waits for the other reader.
// EXPECT: lock-order-cycle
#include <mutex>
#include <thread>

#include "luck.h"
#include "writer_rwlock.h"

WriterRwlock table;
std::mutex cache;

int main() {
  Luck indexed;
  Luck cached;
  std::thread index([&] {
    table.Read();
    cache.lock();
    cache.unlock();
    table.Unlock();
    indexed.Done();
  });
  std::thread fill([&] {
    indexed.Wait();
    cache.lock();
    table.Read();
    table.Unlock();
    cache.unlock();
    cached.Done();
  });
  std::thread reload([&] {
    cached.Wait();
    table.Write();
    table.Unlock();
  });
  index.join();
  fill.join();
  reload.join();
}
