/* Two threads each wait for the other one's post before they give their own: nobody is left to begin. */
// OPTIONS: --on-deadlock=kill
// HANGS
// EXPECT: deadlock
#include <pthread.h>
#include <semaphore.h>
#include <stddef.h>

static sem_t request, reply;

static void* Serve(void* unused) {
  sem_wait(&request);
  sem_post(&reply);
  return unused;
}

int main(void) {
  pthread_t server;
  sem_init(&request, 0, 0);
  sem_init(&reply, 0, 0);
  pthread_create(&server, NULL, Serve, NULL);
  sem_wait(&reply);
  sem_post(&request);
  pthread_join(server, NULL);
  return 0;
}
