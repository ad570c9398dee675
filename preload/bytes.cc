// The shim's own memset, memcpy and memmove, under libc's names but for this object alone. Sanitizers
// intercept libc's: they would take what the recorder does in its own memory for the program's accesses, and
// report races in it.
#include <cstddef>

#define OWN(name) __asm__(#name) __attribute__((visibility("hidden"), used))
extern "C" void* gordian_memset(void* to, int value, size_t bytes) OWN(memset);
extern "C" void* gordian_memcpy(void* to, const void* from, size_t bytes) OWN(memcpy);
extern "C" void* gordian_memmove(void* to, const void* from, size_t bytes) OWN(memmove);

// By string instructions: a loop would be compiled into the very call that it implements.
void* gordian_memset(void* to, int value, size_t bytes) {
  void* at = to;
  __asm__ volatile("rep stosb" : "+D"(at), "+c"(bytes) : "a"(value) : "memory");
  return to;
}

void* gordian_memcpy(void* to, const void* from, size_t bytes) {
  void* at = to;
  __asm__ volatile("rep movsb" : "+D"(at), "+S"(from), "+c"(bytes) : : "memory");
  return to;
}

void* gordian_memmove(void* to, const void* from, size_t bytes) {
  auto* low = static_cast<char*>(to);
  const auto* source = static_cast<const char*>(from);
  if (low <= source || low >= source + bytes) {
    return gordian_memcpy(to, from, bytes);
  }
  char* at = low + bytes - 1;
  source += bytes - 1;
  __asm__ volatile("std; rep movsb; cld" : "+D"(at), "+S"(source), "+c"(bytes) : : "memory");
  return to;
}
