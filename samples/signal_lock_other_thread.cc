// A signal that is sent to the whole process is handled by one thread here and could be by another, which
// holds the lock: a warning, since who gets it was luck.
// EXPECT: lock-in-signal-handler warning
#include <pthread.h>

#include <atomic>
#include <csignal>
#include <mutex>
#include <thread>

std::mutex table;
std::atomic<bool> reloaded;

void Reload(int /*signal*/) {
  std::lock_guard lock(table);
  reloaded = true;
}

int main() {
  std::signal(SIGUSR1, Reload);
  std::thread([] { std::lock_guard lock(table); }).join();
  pthread_kill(pthread_self(), SIGUSR1);
}
