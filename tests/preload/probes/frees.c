// Every way to give memory back, with and without a lock in it, from threads, handlers of forks and children.
#define _GNU_SOURCE
#include <errno.h>
#include <malloc.h>

#include "probe.h"

struct Part {
  char name[80];
  pthread_mutex_t lock;
};

static struct Part* New(void) {
  struct Part* part = calloc(1, sizeof(*part));
  pthread_mutex_lock(&part->lock);
  pthread_mutex_unlock(&part->lock);
  return part;
}

static void* Churn(void* unused) {
  for (int i = 0; i < 500; ++i) {
    struct Part* part = New();
    pthread_mutex_lock(&part->lock);
    free(malloc((size_t)i));
    pthread_mutex_unlock(&part->lock);
    part = reallocarray(part, 2, sizeof(*part));
    free(part);
  }
  return unused;
}

static int Rightly(void) {
  pthread_t threads[4];
  for (int i = 0; i < 4; ++i) {
    pthread_create(&threads[i], NULL, Churn, NULL);
  }
  for (int i = 0; i < 4; ++i) {
    pthread_join(threads[i], NULL);
  }
  errno = 7;
  free(New());
  free(NULL);
  Say("errno %d", errno);
  char* text = strdup("text");
  text = realloc(text, 5000);
  Say(" %s", text);
  Say(" none %d", reallocarray(text, (size_t)-1, 2) == NULL);
  Say(" errno %d\n", errno);
  struct Part* part = New();
  pthread_mutex_lock(&part->lock);
  const pid_t child = fork();
  if (child == 0) {
    pthread_mutex_unlock(&part->lock);
    free(part);
    free(text);
    _exit(0);
  }
  Reap("child", child);
  pthread_mutex_unlock(&part->lock);
  free(part);
  free(realloc(text, 10));
  return 0;
}

static int Wrongly(void) {
  struct Part* part = New();
  pthread_mutex_lock(&part->lock);
  free(part);
  Say("freed\n");
  return 0;
}

int main(int argc, char** argv) {
  static const struct Scenario kScenarios[] = {{"rightly", Rightly}, {"wrongly", Wrongly}, {NULL, NULL}};
  return RunScenario(kScenarios, argc, argv);
}
