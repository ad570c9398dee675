// Two threads read the settings. One of them wants the log, the other runs on; a third holds the log and
// wants to write the settings: it waits for both readers, and one of them waits for it.
// OPTIONS: --on-deadlock=kill
// HANGS
// EXPECT: deadlock
#include <unistd.h>

#include <barrier>
#include <mutex>
#include <shared_mutex>
#include <thread>

std::shared_mutex settings;
std::mutex log_mutex;
std::barrier ready(3);

int main() {
  std::thread reader([] {
    settings.lock_shared();
    ready.arrive_and_wait();
    log_mutex.lock();
  });
  std::thread idler([] {
    settings.lock_shared();
    ready.arrive_and_wait();
    while (true) {
      usleep(10000);
    }
  });
  log_mutex.lock();
  ready.arrive_and_wait();
  settings.lock();
  reader.join();
  idler.join();
}
