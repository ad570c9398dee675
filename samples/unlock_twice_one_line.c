// A clean-up macro unlocks a free mutex, and unlocks it again: two calls on one line of the program, one
// mistake. It is reported once, with a count.
// EXPECT: unlock-not-held
#include <pthread.h>

static pthread_mutex_t table_mutex = PTHREAD_MUTEX_INITIALIZER;

#define CLEAN_UP()                      \
  do {                                  \
    pthread_mutex_unlock(&table_mutex); \
    pthread_mutex_unlock(&table_mutex); \
  } while (0)

int main(void) {
  CLEAN_UP();
  return 0;
}
