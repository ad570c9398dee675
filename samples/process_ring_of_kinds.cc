// Three processes: one has the mutex and wants the file, one the file and the semaphore, one that and mutex.
// EXPECT: lock-order-cycle
#include <fcntl.h>
#include <semaphore.h>
#include <sys/file.h>

#include <mutex>
#include <string>

#include "luck.h"
#include "processes.h"

struct Shared {
  ProcessMutex mutex;
  Luck saved;
  Luck sent;
};

template <typename Inner>
void WithFile(Inner inner) {
  const int file = open("ring.lock", O_RDWR | O_CREAT, 0600);
  flock(file, LOCK_EX);
  inner();
  close(file);
}

int main() {
  auto* shared = InSharedMemory<Shared>();
  const std::string name = "/gordian-ring-" + std::to_string(getpid());
  sem_t* semaphore = sem_open(name.c_str(), O_CREAT | O_EXCL, 0600, 1);
  if (semaphore == SEM_FAILED) return 1;
  const pid_t saver = Child([&] {
    const std::lock_guard<ProcessMutex> lock(shared->mutex);
    WithFile([&] { shared->saved.Done(); });
  });
  const pid_t sender = Child([&] {
    shared->saved.Wait();
    WithFile([&] { sem_wait(semaphore), sem_post(semaphore); });
    shared->sent.Done();
  });
  shared->sent.Wait();
  sem_wait(semaphore);
  shared->mutex.lock();
  shared->mutex.unlock();
  sem_post(semaphore);
  WaitFor(saver);
  WaitFor(sender);
  sem_unlink(name.c_str());
}
