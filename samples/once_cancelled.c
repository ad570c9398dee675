/* A thread is cancelled inside an initialiser. libc begins it anew for the next one that asks, who holds a
   lock that the cancelled thread takes in its clean-up. */
// EXPECT: clean
#include <pthread.h>
#include <semaphore.h>
#include <unistd.h>

static pthread_once_t connected = PTHREAD_ONCE_INIT;
static pthread_mutex_t list_mutex = PTHREAD_MUTEX_INITIALIZER;
static sem_t connecting;
static int attempts;

static void Connect(void) {
  if (++attempts == 1) {
    sem_post(&connecting);
    for (;;) pause();
  }
}

static void TakeOffList(void* unused) {
  (void)unused;
  pthread_mutex_lock(&list_mutex);
  pthread_mutex_unlock(&list_mutex);
}

static void* Serve(void* unused) {
  pthread_cleanup_push(TakeOffList, NULL);
  pthread_once(&connected, Connect);
  pthread_cleanup_pop(0);
  return unused;
}

int main(void) {
  pthread_t server, client;
  sem_init(&connecting, 0, 0);
  pthread_create(&server, NULL, Serve, NULL);
  sem_wait(&connecting);
  pthread_cancel(server);
  pthread_join(server, NULL);
  pthread_mutex_lock(&list_mutex);
  pthread_create(&client, NULL, Serve, NULL);
  pthread_once(&connected, Connect);
  pthread_mutex_unlock(&list_mutex);
  pthread_join(client, NULL);
  return attempts == 2 ? 0 : 1;
}
