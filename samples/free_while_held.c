/* Memory goes back to the allocator with locks in it that are held, and with a condition that a thread waits
 * on: by free, and by a realloc that moves it. */
// EXPECT: free-in-use
// EXPECT: free-in-use
// OPTIONS: --check-free
#include <pthread.h>
#include <stdlib.h>

struct Account {
  int balance[16];
  pthread_mutex_t lock;
  pthread_cond_t changed;
};

static pthread_mutex_t bank = PTHREAD_MUTEX_INITIALIZER;
static int is_waiting;

static void* await_change(void* argument) {
  struct Account* account = argument;
  pthread_mutex_lock(&bank);
  is_waiting = 1;
  while (account->balance[0] == 0) {
    pthread_cond_wait(&account->changed, &bank);
  }
  return argument;
}

int main(void) {
  struct Account* held = calloc(1, sizeof(*held));
  struct Account* moved = calloc(1, sizeof(*moved));
  struct Account* awaited = calloc(1, sizeof(*awaited));
  pthread_t thread;
  pthread_mutex_lock(&held->lock);
  free(held);
  pthread_mutex_lock(&moved->lock);
  moved = realloc(moved, 1 << 24);
  pthread_create(&thread, NULL, await_change, awaited);
  pthread_detach(thread);
  for (int waits = 0; !waits;) {
    pthread_mutex_lock(&bank);
    waits = is_waiting;
    pthread_mutex_unlock(&bank);
  }
  free(awaited);
  return moved == NULL;
}
