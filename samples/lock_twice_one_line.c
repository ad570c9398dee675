// A macro locks and unlocks twice on one line of the program: two uses, both right.
// EXPECT: clean
#include <pthread.h>

static pthread_mutex_t table_mutex = PTHREAD_MUTEX_INITIALIZER;
static int rows;

#define ADD_ROW()                       \
  do {                                  \
    pthread_mutex_lock(&table_mutex);   \
    ++rows;                             \
    pthread_mutex_unlock(&table_mutex); \
  } while (0)
#define ADD_TWO_ROWS() \
  do {                 \
    ADD_ROW();         \
    ADD_ROW();         \
  } while (0)

int main(void) {
  ADD_TWO_ROWS();
  return rows == 2 ? 0 : 1;
}
