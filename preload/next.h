// NEXT(name): the definition of a libc function that comes after ours, for the tests at start-up.
#ifndef GORDIAN_PRELOAD_NEXT_H_
#define GORDIAN_PRELOAD_NEXT_H_

#include <dlfcn.h>

namespace gordian::preload {

template <typename Function>
inline Function* Next(const char* name, Function* /*typed*/) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}
#define NEXT(name) ::gordian::preload::Next(#name, &(name))

}  // namespace gordian::preload

#endif  // GORDIAN_PRELOAD_NEXT_H_
