// Loads all_hooks.c's library: as a program when it runs, as a library when it is loaded itself.
#include <dlfcn.h>

#include "probe.h"

static void Load(const char* library) {
  if (dlopen(library, RTLD_NOW) == NULL) {
    Say("%s\n", dlerror());
    _exit(98);
  }
}

static void* End(void* value) { pthread_exit(value); }

__attribute__((constructor)) static void Begin(void) {
  // What ends a thread early is loaded when that is first done: never while another library is being loaded
  // and waits for that thread.
  pthread_t thread;
  if (pthread_create(&thread, NULL, End, NULL) != 0 || pthread_join(thread, NULL) != 0) {
    _exit(97);
  }
  const char* library = getenv("LOADS_EARLY");
  if (library != NULL) {
    Load(library);
  }
}

int main(int argc, char** argv) {
  if (argc > 1) {
    Load(argv[1]);
  }
  return 3;
}
