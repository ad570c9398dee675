/* Backs off with the lock held: whoever wants it waits as long, and so does everybody else once the child is
 * slow. */
// EXPECT: blocking-while-locked
// EXPECT: blocking-while-locked
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

static pthread_mutex_t device = PTHREAD_MUTEX_INITIALIZER;

int main(void) {
  pthread_mutex_lock(&device);
  usleep(200 * 1000);
  const pid_t child = fork();
  if (child == 0) {
    usleep(200 * 1000);
    _exit(0);
  }
  waitpid(child, NULL, 0);
  pthread_mutex_unlock(&device);
  return 0;
}
