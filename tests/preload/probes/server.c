// A server as its locks see it: each request makes two, nests them and takes them away, while others are
// alive.
//     server THREADS REQUESTS init|static
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define ALIVE 64

struct Request {
  pthread_mutex_t outer, inner;
};

static long requests;
static int calls_init;

static struct Request* Begin(void) {
  struct Request* request = malloc(sizeof(*request));
  if (calls_init) {
    pthread_mutex_init(&request->outer, NULL);
    pthread_mutex_init(&request->inner, NULL);
  } else {
    const pthread_mutex_t fresh = PTHREAD_MUTEX_INITIALIZER;
    request->outer = request->inner = fresh;
  }
  pthread_mutex_lock(&request->outer);
  pthread_mutex_lock(&request->inner);
  pthread_mutex_unlock(&request->inner);
  pthread_mutex_unlock(&request->outer);
  return request;
}

static void End(struct Request* request) {
  if (request != NULL && calls_init) {
    pthread_mutex_destroy(&request->inner);
    pthread_mutex_destroy(&request->outer);
  }
  free(request);
}

static void* Serve(void* unused) {
  (void)unused;
  struct Request* alive[ALIVE] = {NULL};
  for (long i = 0; i < requests; ++i) {
    struct Request** place = &alive[i * 7919 % ALIVE];
    End(*place);
    *place = Begin();
  }
  for (int i = 0; i < ALIVE; ++i) End(alive[i]);
  return NULL;
}

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  pthread_t threads[16];
  const int count = atoi(argv[1]);
  requests = atol(argv[2]);
  calls_init = strcmp(argv[3], "init") == 0;
  for (int i = 0; i < count; ++i) pthread_create(&threads[i], NULL, Serve, NULL);
  for (int i = 0; i < count; ++i) pthread_join(threads[i], NULL);
  return 0;
}
