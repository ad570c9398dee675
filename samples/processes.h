// For samples of several processes: what they share, and children that do one thing and leave.
#ifndef GORDIAN_SAMPLES_PROCESSES_H_
#define GORDIAN_SAMPLES_PROCESSES_H_

#include <pthread.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <new>

// Lies in shared memory, and is one lock for all processes.
class ProcessMutex {
 public:
  ProcessMutex() {
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_mutex_init(&mutex_, &attributes);
  }
  void lock() { pthread_mutex_lock(&mutex_); }
  void unlock() { pthread_mutex_unlock(&mutex_); }

 private:
  pthread_mutex_t mutex_;
};

template <typename T>
T* InSharedMemory() {
  void* memory = mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  return memory == MAP_FAILED ? nullptr : new (memory) T;
}

template <typename Work>
pid_t Child(Work work) {
  const pid_t pid = fork();
  if (pid == 0) {
    work();
    _exit(0);
  }
  return pid;
}

inline void WaitFor(pid_t pid) { waitpid(pid, nullptr, 0); }

#endif  // GORDIAN_SAMPLES_PROCESSES_H_
