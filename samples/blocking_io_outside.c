/* Reads from a pipe as long as one that would be told of as blocking-while-locked, but gives the lock back
   before. */
// EXPECT: clean
#include <pthread.h>
#include <semaphore.h>
#include <unistd.h>

static pthread_mutex_t device = PTHREAD_MUTEX_INITIALIZER;
static sem_t is_unlocked;
static int ends[2];

static void* Receive(void* unused) {
  char byte;
  pthread_mutex_lock(&device);
  pthread_mutex_unlock(&device);
  sem_post(&is_unlocked);
  return read(ends[0], &byte, 1) == 1 ? unused : NULL;
}

static void* Send(void* unused) {
  sem_wait(&is_unlocked);
  sleep(3);
  const char byte = 1;
  return write(ends[1], &byte, 1) == 1 ? unused : NULL;
}

int main(void) {
  pthread_t receiver, sender;
  if (pipe(ends) != 0) {
    return 1;
  }
  sem_init(&is_unlocked, 0, 0);
  pthread_create(&receiver, NULL, Receive, NULL);
  pthread_create(&sender, NULL, Send, NULL);
  pthread_join(receiver, NULL);
  pthread_join(sender, NULL);
  return 0;
}
