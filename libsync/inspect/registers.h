// The registers of a thread, as far as they are known, and what they tell of the call that it sleeps in.
//
// Thread safety: plain data and functions without shared state.
#ifndef GORDIAN_LIBSYNC_INSPECT_REGISTERS_H_
#define GORDIAN_LIBSYNC_INSPECT_REGISTERS_H_

#include <sys/user.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "libsync/inspect/proc.h"

namespace gordian::inspect {

// DWARF numbers of the x86-64 psABI.
inline constexpr size_t kFramePointer = 6;
inline constexpr size_t kStackPointer = 7;

struct Registers {
  std::array<std::optional<uint64_t>, 16> general;  // by DWARF number
  uint64_t pc = 0;

  uint64_t sp() const { return general[kStackPointer].value_or(0); }
};

// What the kernel shows of a thread that sleeps.
Registers RegistersOf(const TaskWait& wait);
// All of them: of a stopped thread, or of a core.
Registers RegistersOf(const user_regs_struct& user);

// A thread that was taken out of the call in which it slept, to be stopped or to end, stands behind it with a
// result that programs never see. `running` where it stands anywhere else.
TaskWait WaitOf(const user_regs_struct& user);

}  // namespace gordian::inspect

#endif  // GORDIAN_LIBSYNC_INSPECT_REGISTERS_H_
