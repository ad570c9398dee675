// A library whose function is chosen by a resolver that locks a mutex while the library is being relocated.
#include <pthread.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static int failed;

static int Chosen(void) { return failed; }

static int (*Choose(void))(void) {
  failed = pthread_mutex_lock(&mutex) | pthread_mutex_unlock(&mutex);
  return Chosen;
}
static int Function(void) __attribute__((ifunc("Choose")));

// Its address is needed at once, however the program that has the library binds its own calls.
int (*volatile address)(void) = Function;
