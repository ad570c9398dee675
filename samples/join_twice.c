/* Both the owner of a worker and its own clean-up join it; the second call finds nobody. */
// EXPECT: join-misuse
#include <errno.h>
#include <pthread.h>

static pthread_t worker;

static void* Work(void* unused) { return unused; }
static int Stop(void) { return pthread_join(worker, NULL); }

int main(void) {
  pthread_create(&worker, NULL, Work, NULL);
  Stop();
  return Stop() == ESRCH ? 0 : 1;
}
