// Lookups read the table twice, and its lock lets writers go first. But whoever looks up or updates holds the
// session lock around it, so that no update ever comes between the two reads.
// EXPECT: clean
#include <mutex>
#include <thread>

#include "writer_rwlock.h"

std::mutex session;
WriterRwlock table;

void Lookup() {
  std::lock_guard<std::mutex> lock(session);
  table.Read();
  table.Read();
  table.Unlock();
  table.Unlock();
}

void Update() {
  std::lock_guard<std::mutex> lock(session);
  table.Write();
  table.Unlock();
}

int main() {
  std::thread lookup(Lookup);
  std::thread update(Update);
  lookup.join();
  update.join();
}
