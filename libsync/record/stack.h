// Call stacks as module + offset, deduplicated, taken by libgcc's unwinder.
//
// libgcc's unwinder takes no loader lock on glibc 2.35+ (it asks _dl_find_object) and allocates nothing. It
// is stopped at the first code address that lies in no module, because guessing on would read memory that
// may not be there.
#ifndef GORDIAN_LIBSYNC_RECORD_STACK_H_
#define GORDIAN_LIBSYNC_RECORD_STACK_H_

#include <cstdint>

#include "libsync/record/image.h"
#include "libsync/trace/layout.h"

namespace gordian::record {

// Where a hook was called from: its return address and its frame. Made by CALL_SITE() in the hook itself.
struct Site {
  uintptr_t return_address;
  uintptr_t frame;
};
#define CALL_SITE()                                                                          \
  (::gordian::record::Site{reinterpret_cast<uintptr_t>(__builtin_return_address(0)),         \
                           reinterpret_cast<uintptr_t>(__builtin_frame_address(0))})

inline constexpr int kMaxFrames = 48;

// The code range of the object that the recorder itself lies in; its frames are left out of stacks.
void FindOwnCode();
bool IsOwnCode(const void* address);

// The module record's serial and the frame's packed form for a code or data address.
uint64_t EncodeAddress(uintptr_t address);
// The module that holds a data address: serial and offset from its start; serial 0 when it lies in none.
uint32_t ModuleOf(uintptr_t address, uint64_t* offset);

// The stack of the calling thread from `site` outwards. 0 when none could be taken. `stack_low` and
// `stack_high` bound the thread's own stack: elsewhere (a coroutine, a signal stack) and with less than 8 KiB
// left only the return address is kept.
// REQUIRES: IsReady().
trace::Ref CaptureStack(const Site& site, uintptr_t stack_low, uintptr_t stack_high);

// A copy of a stack from an ancestor's trace. 0 if it cannot be read.
trace::Ref InheritStack(const TraceFile& from, trace::Ref ref);

}  // namespace gordian::record

#endif  // GORDIAN_LIBSYNC_RECORD_STACK_H_
