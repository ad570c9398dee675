/* A receiver keeps the connection's mutex while it tries again and again to get what main would give it, had
 * it the connection. After many tries it gives up. */
// EXPECT: stuck-holder
#include <pthread.h>
#include <time.h>

static pthread_mutex_t connection = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t turn_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t turn_over = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t both;
static int turn_of_main = 1;

static void TakeTurn(void) {
  pthread_mutex_lock(&turn_mutex);
  for (int tries = 0; turn_of_main && tries < 2000; tries++) {
    struct timespec soon;
    clock_gettime(CLOCK_REALTIME, &soon);
    soon.tv_nsec += 5000000;
    soon.tv_sec += soon.tv_nsec / 1000000000;
    soon.tv_nsec %= 1000000000;
    pthread_cond_timedwait(&turn_over, &turn_mutex, &soon);
  }
  pthread_mutex_unlock(&turn_mutex);
}

static void* Receive(void* unused) {
  pthread_mutex_lock(&connection);
  pthread_barrier_wait(&both);
  TakeTurn();
  pthread_mutex_unlock(&connection);
  return unused;
}

int main(void) {
  pthread_t receiver;
  pthread_barrier_init(&both, NULL, 2);
  pthread_create(&receiver, NULL, Receive, NULL);
  pthread_barrier_wait(&both);
  pthread_mutex_lock(&connection);
  pthread_mutex_unlock(&connection);
  pthread_join(receiver, NULL);
  return 0;
}
