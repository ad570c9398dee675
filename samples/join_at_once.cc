// One thread joins a worker, and the main thread looks whether the worker has ended: by joining it too.
// EXPECT: join-misuse
#include <pthread.h>
#include <unistd.h>

#include <cstdio>
#include <ctime>
#include <semaphore>
#include <thread>

std::binary_semaphore may_end(0), joining(0);
pid_t joiner_tid;

void* Work(void* unused) {
  may_end.acquire();
  return unused;
}

char StateOf(pid_t tid) {
  char path[64], state = '?';
  std::snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
  std::FILE* stat = std::fopen(path, "r");
  if (std::fscanf(stat, "%*d (%*[^)]) %c", &state) != 1) state = '?';
  std::fclose(stat);
  return state;
}

int main() {
  pthread_t worker;
  pthread_create(&worker, nullptr, Work, nullptr);
  std::thread joiner([&] {
    joiner_tid = gettid();
    joining.release();
    pthread_join(worker, nullptr);
  });
  joining.acquire();
  while (StateOf(joiner_tid) != 'S') {
  }
  const timespec past{};
  pthread_timedjoin_np(worker, nullptr, &past);
  may_end.release();
  joiner.join();
}
