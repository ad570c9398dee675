/* A connection is torn down while its mutex is still locked by the one who tears it down. */
// EXPECT: destroy-in-use
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

struct Connection {
  pthread_mutex_t mutex;
};

static int Close(struct Connection* connection) {
  pthread_mutex_lock(&connection->mutex);
  const int error = pthread_mutex_destroy(&connection->mutex);
  pthread_mutex_unlock(&connection->mutex);
  return error;
}

int main(void) {
  struct Connection* connection = malloc(sizeof(*connection));
  pthread_mutex_init(&connection->mutex, NULL);
  const int error = Close(connection);
  free(connection);
  return error == EBUSY ? 0 : 1;
}
