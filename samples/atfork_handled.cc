// A library guards its lock against forks with pthread_atfork. Another thread holds the lock when fork is
// called; the handler waits for it, so that at the fork itself nobody else holds it.
// EXPECT: clean
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include <latch>
#include <thread>

pthread_mutex_t library_mutex = PTHREAD_MUTEX_INITIALIZER;
std::latch locked(1), preparing(1);

void Prepare() {
  if (!preparing.try_wait()) {
    preparing.count_down();
  }
  pthread_mutex_lock(&library_mutex);
}
void Release() { pthread_mutex_unlock(&library_mutex); }

int main() {
  pthread_atfork(Prepare, Release, Release);
  std::thread user([] {
    pthread_mutex_lock(&library_mutex);
    locked.count_down();
    preparing.wait();
    pthread_mutex_unlock(&library_mutex);
  });
  locked.wait();
  const pid_t child = fork();
  if (child == 0) {
    pthread_mutex_lock(&library_mutex);
    pthread_mutex_unlock(&library_mutex);
    _exit(0);
  }
  user.join();
  waitpid(child, nullptr, 0);
}
