/* The initialiser wants a lock that is held by a thread which waits for the initialiser to end. */
// OPTIONS: --on-deadlock=kill
// HANGS
// EXPECT: deadlock
#include <pthread.h>
#include <semaphore.h>

static pthread_once_t tables_built = PTHREAD_ONCE_INIT;
static pthread_mutex_t heap_mutex = PTHREAD_MUTEX_INITIALIZER;
static sem_t building, holding;

static void BuildTables(void) {
  sem_post(&building);
  sem_wait(&holding);
  pthread_mutex_lock(&heap_mutex);
  pthread_mutex_unlock(&heap_mutex);
}

static void* Parse(void* unused) {
  pthread_once(&tables_built, BuildTables);
  return unused;
}

static void* Allocate(void* unused) {
  sem_wait(&building);
  pthread_mutex_lock(&heap_mutex);
  sem_post(&holding);
  pthread_once(&tables_built, BuildTables);
  pthread_mutex_unlock(&heap_mutex);
  return unused;
}

int main(void) {
  pthread_t parser, allocator;
  sem_init(&building, 0, 0);
  sem_init(&holding, 0, 0);
  pthread_create(&parser, NULL, Parse, NULL);
  pthread_create(&allocator, NULL, Allocate, NULL);
  pthread_join(parser, NULL);
  pthread_join(allocator, NULL);
  return 0;
}
