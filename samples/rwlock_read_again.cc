// A lookup that holds the table for reading calls a helper that reads it too. The table's lock lets writers
// go first: an update that asks for it between the two reads waits for the first, and the second waits for
// it.
// EXPECT: reader-writer-starve
#include <thread>

#include "luck.h"
#include "writer_rwlock.h"

WriterRwlock table;

void Helper() {
  table.Read();
  table.Unlock();
}

void Lookup() {
  table.Read();
  Helper();
  table.Unlock();
}

int main() {
  Luck looked_up;
  std::thread lookup([&] {
    Lookup();
    looked_up.Done();
  });
  looked_up.Wait();
  table.Write();
  table.Unlock();
  lookup.join();
}
