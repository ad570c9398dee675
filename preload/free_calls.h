// The shim's side of --check-free: libgordian_check_free.so asks whether what is freed is in use.
#ifndef GORDIAN_PRELOAD_FREE_CALLS_H_
#define GORDIAN_PRELOAD_FREE_CALLS_H_

namespace gordian::preload {

// Lets that object ask from now on. False: it is not loaded.
bool LookAtFrees();

}  // namespace gordian::preload

#endif  // GORDIAN_PRELOAD_FREE_CALLS_H_
