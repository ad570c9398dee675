// Libraries that come and go: each has locks, and the next one may stand where the last one stood.
#include <dlfcn.h>

#include "probe.h"

typedef int (*Use)(pthread_mutex_t* mine);

static pthread_mutex_t own = PTHREAD_MUTEX_INITIALIZER;

static int UseOf(const char* library, int own_first) {
  void* handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
  if (handle == NULL) {
    Say("%s\n", dlerror());
    return 1;
  }
  Use use;
  *(void**)&use = dlsym(handle, own_first ? "OwnFirst" : "MineFirst");
  const int result = use(&own);
  return dlclose(handle) != 0 || result != 0;
}

// The threads take turns by a pipe, which orders nothing that a detector of lock orders may rely on.
struct Turn {
  const char* library;
  int own_first;
  int from;
  int to;
  int failed;
};

static void* UseInTurn(void* argument) {
  struct Turn* turn = argument;
  char byte;
  turn->failed = read(turn->from, &byte, 1) != 1 || UseOf(turn->library, turn->own_first) != 0 ||
                 write(turn->to, &byte, 1) != 1;
  return NULL;
}

int main(int argc, char** argv) {
  int pipes[3][2];
  const int rounds = argc > 3 ? atoi(argv[3]) : 1;
  if (argc > 4 && dlopen(argv[1], RTLD_NOW) == NULL) {  // stays loaded
    return 1;
  }
  for (int i = 0; i < 3; ++i) {
    if (pipe(pipes[i]) != 0) {
      return 1;
    }
  }
  for (int i = 0; i < rounds; ++i) {
    struct Turn turns[2] = {{argv[1], 1, pipes[0][0], pipes[1][1], 0},
                            {argv[2], 0, pipes[1][0], pipes[2][1], 0}};
    pthread_t threads[2];
    for (int t = 0; t < 2; ++t) {
      pthread_create(&threads[t], NULL, UseInTurn, &turns[t]);
    }
    char byte = 0;
    if (write(pipes[0][1], &byte, 1) != 1 || read(pipes[2][0], &byte, 1) != 1) {
      return 1;
    }
    for (int t = 0; t < 2; ++t) {
      pthread_join(threads[t], NULL);
    }
    if (turns[0].failed || turns[1].failed) {
      return 1;
    }
  }
  Say("%d rounds\n", rounds);
  return 0;
}
