/* A late callback locks the mutex of an object that was already shut down. */
// EXPECT: use-after-destroy
#include <pthread.h>

static pthread_mutex_t listener_mutex;

static void Start(void) { pthread_mutex_init(&listener_mutex, NULL); }
static void Stop(void) { pthread_mutex_destroy(&listener_mutex); }

static int Callback(void) {
  const int error = pthread_mutex_lock(&listener_mutex);
  if (error == 0) pthread_mutex_unlock(&listener_mutex);
  return error;
}

int main(void) {
  Start();
  Callback();
  Stop();
  return Callback() == 0 ? 1 : 0;
}
