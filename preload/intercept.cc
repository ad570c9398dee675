#include "preload/intercept.h"

#include <dlfcn.h>
#include <gnu/libc-version.h>
#include <pthread.h>

#include <cstring>

#include "libsync/record/libc_facts.h"
#include "libsync/record/raw.h"
#include "libsync/record/text.h"

// The linker bounds a section whose name is an identifier with these.
extern "C" gordian::preload::RealFunction __start_gordian_hooks[] __attribute__((visibility("hidden")));
extern "C" gordian::preload::RealFunction __stop_gordian_hooks[] __attribute__((visibility("hidden")));

namespace gordian::preload {
namespace {

// Before glibc 2.36 dlsym(RTLD_NEXT) answers with the oldest version of a symbol that has several; only then,
// and only when the answer is libc's own, is the newer one asked for by name: dlvsym jumps over the
// interceptors of other tools.
void* NewestVersion(const char* name, void* found) {
  const char* dot = strchr(gnu_get_libc_version(), '.');
  if (dot == nullptr || record::ParseUnsigned(dot + 1) >= 36 || strncmp(name, "pthread_cond_", 13) != 0) {
    return found;
  }
  if (found != nullptr && found != dlvsym(RTLD_NEXT, name, record::kOldestVersion)) {
    return found;
  }
  void* newest = dlvsym(RTLD_NEXT, name, record::kConditionVersion);
  return newest != nullptr ? newest : found;
}

using MutexCall = int(pthread_mutex_t*);

constinit pthread_mutex_t g_probe = PTHREAD_MUTEX_INITIALIZER;
constinit MutexCall* g_after_probe = nullptr;
constinit int g_probe_calls = 0;

// Threads that are there already go on with their own mutexes meanwhile.
int ProbeMutex(pthread_mutex_t* mutex) {
  if (mutex != &g_probe) {
    return g_after_probe(mutex);
  }
  ++g_probe_calls;
  return 0;
}

RealFunction* EntryOf(const char* name) {
  RealFunction* function = __start_gordian_hooks;
  while (function != __stop_gordian_hooks && strcmp(function->name, name) != 0) {
    ++function;
  }
  return function;
}

// Locks and unlocks a mutex of ours as the program would, with our own function in libc's place: it is called
// exactly when the calls pass through the hooks.
bool MutexCallsReachUs() {
  g_probe_calls = 0;
  const char* const names[] = {"pthread_mutex_lock", "pthread_mutex_unlock"};
  for (const char* name : names) {
    RealFunction* entry = EntryOf(name);
    auto* first = reinterpret_cast<MutexCall*>(dlsym(RTLD_DEFAULT, name));
    g_after_probe = reinterpret_cast<MutexCall*>(entry->address);
    __atomic_store_n(&entry->address, reinterpret_cast<void*>(&ProbeMutex), __ATOMIC_RELEASE);
    first(&g_probe);
    __atomic_store_n(&entry->address, reinterpret_cast<void*>(g_after_probe), __ATOMIC_RELEASE);
  }
  return g_probe_calls == 2;
}

void* AskLoader(RealFunction* function) {
  void* address = NewestVersion(function->name, dlsym(RTLD_NEXT, function->name));
  // Needed by a library only, we stand behind libc: few calls come to us, and those need the real ones all
  // the same.
  if (address == nullptr) {
    record::FindOwnCode();
    void* first = dlsym(RTLD_DEFAULT, function->name);
    address = record::IsOwnCode(first) ? nullptr : first;
  }
  // dlsym as this function's last call would be a tail call, and RTLD_NEXT goes by who called.
  __asm__ volatile("" ::: "memory");
  return address;
}

void ResolveEach(const LoadedObjects& objects) {
  for (RealFunction* function = __start_gordian_hooks; function != __stop_gordian_hooks; ++function) {
    void* next = objects.NextInLibc(function->name, function->hash);
    __atomic_store_n(&function->address, next != nullptr ? next : AskLoader(function), __ATOMIC_RELAXED);
  }
}

}  // namespace

void* Resolve(RealFunction* function) {
  const int saved = errno;
  ResolveEach(LoadedObjects());
  errno = saved;
  return function->address;
}

bool ResolveAll() {
  bool ours = true;
  const LoadedObjects objects;
  ResolveEach(objects);
  if (void* clock = objects.OfLibc("clock_gettime", GnuHash("clock_gettime")); clock != nullptr) {
    record::g_clock_gettime = reinterpret_cast<record::ClockGettime*>(clock);
  }
  for (RealFunction* function = __start_gordian_hooks; function != __stop_gordian_hooks; ++function) {
    const void* next = function->address;
    if (next != nullptr && objects.MayStandBeforeUs(function->name, function->hash)) {
      ours = ours && record::IsOwnCode(dlsym(RTLD_DEFAULT, function->name));
    }
  }
  return ours || MutexCallsReachUs();
}

}  // namespace gordian::preload
