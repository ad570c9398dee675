// Processes, memory, files and libraries. The time of what begins processes is that of the processor,
// children included.
#include <dlfcn.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/calls/rounds.h"
#include "benchmark/benchmark.h"

namespace {

double SecondsOf(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
}

double ProcessorSeconds() {
  double seconds = 0;
  for (const auto who : {RUSAGE_SELF, RUSAGE_CHILDREN}) {
    rusage usage;
    getrusage(who, &usage);
    seconds += SecondsOf(usage.ru_utime) + SecondsOf(usage.ru_stime);
  }
  return seconds;
}

template <typename Begin>
void CountChildren(benchmark::State& state, Begin begin) {
  for (auto _ : state) {
    const double before = ProcessorSeconds();
    const pid_t child = begin();
    waitpid(child, nullptr, 0);
    state.SetIterationTime(ProcessorSeconds() - before);
  }
}

void Fork(benchmark::State& state) {
  CountChildren(state, [] {
    const pid_t child = fork();
    if (child == 0) {
      _exit(0);
    }
    return child;
  });
}
MEASURE(Fork, "fork, _exit, waitpid")->UseManualTime();

void StartTrue(benchmark::State& state) {
  CountChildren(state, [] {
    pid_t child = -1;
    char name[] = "/bin/true";
    char* const arguments[] = {name, nullptr};
    posix_spawn(&child, name, nullptr, nullptr, arguments, environ);
    return child;
  });
}
MEASURE(StartTrue, "start of /bin/true")->UseManualTime();

void MallocFree(benchmark::State& state) {
  for (auto _ : state) {
    void* block = malloc(64);
    benchmark::DoNotOptimize(block);
    free(block);
  }
}
MEASURE(MallocFree, "malloc and free");

void OpenClose(benchmark::State& state) {
  for (auto _ : state) {
    const int descriptor = open("/dev/null", O_RDONLY | O_CLOEXEC);
    close(descriptor);
  }
}
MEASURE(OpenClose, "open and close");

void OpenLibrary(benchmark::State& state) {
  for (auto _ : state) {
    void* library = dlopen(BENCH_MODULE, RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) {
      state.SkipWithError(dlerror());
      break;
    }
    dlclose(library);
  }
}
MEASURE(OpenLibrary, "dlopen and dlclose");

// The file is this program, which is longer, and in the page cache.
void ReadFile(benchmark::State& state) {
  static char bytes[4096];
  const int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  for (auto _ : state) {
    lseek(file, 0, SEEK_SET);
    benchmark::DoNotOptimize(read(file, bytes, sizeof(bytes)));
  }
  close(file);
}
MEASURE(ReadFile, "read 4 KiB of a file");

void ReadSocket(benchmark::State& state) {
  static char bytes[4096];
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    state.SkipWithError("no socket pair");
    return;
  }
  for (auto _ : state) {
    benchmark::DoNotOptimize(write(ends[0], bytes, sizeof(bytes)));
    benchmark::DoNotOptimize(read(ends[1], bytes, sizeof(bytes)));
  }
  close(ends[0]);
  close(ends[1]);
}
MEASURE(ReadSocket, "write and read 4 KiB of a socket");

}  // namespace
