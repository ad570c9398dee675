/* Reads from a pipe with the lock held: whoever wants the lock waits for whoever is to write. */
// EXPECT: blocking-while-locked
#include <pthread.h>
#include <semaphore.h>
#include <unistd.h>

static pthread_mutex_t device = PTHREAD_MUTEX_INITIALIZER;
static sem_t is_locked;
static int ends[2];

static void* Receive(void* unused) {
  char byte;
  pthread_mutex_lock(&device);
  sem_post(&is_locked); /* one for the sender */
  sem_post(&is_locked); /* and one for who wants the lock */
  const ssize_t got = read(ends[0], &byte, 1);
  pthread_mutex_unlock(&device);
  return got == 1 ? unused : NULL;
}

static void* Send(void* unused) {
  sem_wait(&is_locked);
  sleep(6); /* slow, as a peer may be; gordian looks at such a thread three times, less than a second apart */
  const char byte = 1;
  return write(ends[1], &byte, 1) == 1 ? unused : NULL;
}

int main(void) {
  pthread_t receiver, sender;
  if (pipe(ends) != 0) {
    return 1;
  }
  sem_init(&is_locked, 0, 0);
  pthread_create(&receiver, NULL, Receive, NULL);
  pthread_create(&sender, NULL, Send, NULL);
  sem_wait(&is_locked);
  pthread_mutex_lock(&device);
  pthread_mutex_unlock(&device);
  pthread_join(receiver, NULL);
  pthread_join(sender, NULL);
  return 0;
}
