/* Named semaphores that come and go at one address, each the lock of one job: their orders have nothing to do
   with each other. One that begins at zero is a signal. */
// EXPECT: clean
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <unistd.h>

static pthread_mutex_t index_mutex = PTHREAD_MUTEX_INITIALIZER;
static sem_t* done;

static sem_t* Open(const char* what, unsigned value) {
  char name[64];
  snprintf(name, sizeof(name), "/gordian-sample-%s-%d", what, (int)getpid());
  sem_t* semaphore = sem_open(name, O_CREAT, 0600, value);
  sem_unlink(name);
  return semaphore;
}

static void* First(void* unused) {
  sem_t* job = Open("first", 1);
  sem_wait(job), pthread_mutex_lock(&index_mutex);
  pthread_mutex_unlock(&index_mutex), sem_post(job);
  sem_close(job);
  sem_post(done);
  return unused;
}

static void* Second(void* unused) {
  sem_wait(done);
  sem_t* job = Open("second", 1);
  pthread_mutex_lock(&index_mutex), sem_wait(job);
  sem_wait(done);
  sem_post(job), pthread_mutex_unlock(&index_mutex);
  sem_close(job);
  return unused;
}

int main(void) {
  pthread_t first, second;
  done = Open("done", 0);
  pthread_create(&first, NULL, First, NULL);
  pthread_create(&second, NULL, Second, NULL);
  pthread_join(first, NULL);
  sem_post(done);
  pthread_join(second, NULL);
  return sem_close(done);
}
