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

// Where a hook was called from: its return address and its frame, as a frame pointer would have it: the
// return address stands in the word above. Made by CALL_SITE() in the hook itself, which needs no frame
// pointer for it.
struct Site {
  uintptr_t return_address;
  uintptr_t frame;
};
#define CALL_SITE()                                                                  \
  (::gordian::record::Site{reinterpret_cast<uintptr_t>(__builtin_return_address(0)), \
                           reinterpret_cast<uintptr_t>(__builtin_dwarf_cfa()) - 2 * sizeof(void*)})

inline constexpr int kMaxFrames = 48;

// Where the return addresses of a site's callers lie, in words from the site's frame. A lock is often taken
// through wrappers (std::mutex::lock and two more at -O0, a class of the program's own), so the return
// address alone does not tell two callers apart; these words do, and comparing them costs a few loads. They
// are known once the unwinder has come by: the size of a function's frame at a given return address is the
// same at each call.
inline constexpr int kCallers = 4;
struct Callers {
  uint64_t packed;  // 16 bits a level, the nearest lowest: one load reads all of them
  constexpr uint16_t word(int level) const { return static_cast<uint16_t>(packed >> level * 16); }
};
constexpr Callers WithWord(Callers callers, int level, uint16_t word) {
  return {(callers.packed & ~(uint64_t{UINT16_MAX} << level * 16)) | uint64_t{word} << level * 16};
}
// Stands for a level that is not known: the site's own return address.
inline constexpr uint16_t kOwnReturnWord = 1;
inline constexpr Callers kUnknownCallers{kOwnReturnWord * uint64_t{0x0001000100010001}};

inline uint32_t CallerSum(const Site& site, const Callers& callers) {
  const auto* words = reinterpret_cast<const uint64_t*>(site.frame);
  uint64_t sum = words[callers.word(0)];
  sum = sum * 3 + words[callers.word(1)];
  sum = sum * 3 + words[callers.word(2)];
  sum = sum * 3 + words[callers.word(3)];
  return static_cast<uint32_t>(sum);
}

// True on an alternate signal stack, which may be an array on the thread's own stack: then frames say nothing
// about what lies below them, and there may be little room.
bool OnSignalStack();

// By the frame sizes known so far. Looks only at memory between the site and `stack_high`.
Callers FindCallers(const Site& site, uintptr_t stack_low, uintptr_t stack_high);

// The code range of the object that the recorder itself lies in; its frames are left out of stacks.
void FindOwnCode();
bool IsOwnCode(const void* address);

// The module record's serial and the frame's packed form for a code or data address.
uint64_t EncodeAddress(uintptr_t address);
// The module that holds a data address: serial and offset from its start; serial 0 when it lies in none.
uint32_t ModuleOf(uintptr_t address, uint64_t* offset);
// The first eight bytes of the module's build-id; 0 if it has none.
uint64_t BuildIdHead(uint32_t serial);

// The stack of the calling thread from `site` outwards. 0 when none could be taken. `stack_low` and
// `stack_high` bound the thread's own stack: elsewhere (a coroutine, a signal stack) and with less than 8 KiB
// left only the return address is kept.
// REQUIRES: IsReady().
// `with_scripts`: what an interpreter runs stands in it, and the interpreter's own frames do not.
trace::Ref CaptureStack(const Site& site, uintptr_t stack_low, uintptr_t stack_high, bool with_scripts);

// A stack of one frame, for a return address.
trace::Ref RecordPlace(uintptr_t return_address);

// A copy of a stack from an ancestor's trace. 0 if it cannot be read.
trace::Ref InheritStack(const TraceFile& from, trace::Ref ref);

}  // namespace gordian::record

#endif  // GORDIAN_LIBSYNC_RECORD_STACK_H_
