// The call stacks of a process that was not prepared for it, by the unwind tables of its loaded objects.
//
// A thread that sleeps in the kernel shows its stack pointer and program counter, and nothing else: the other
// registers become known as soon as a frame is passed that saved them. Where a frame counts from the frame
// pointer before that, its place is searched on the stack: the lowest one from which the walk comes to the
// stack's proper end. A stopped thread and a core show all registers. Where a library has no unwind tables
// (musl, as distributions build it), the return address of whoever called into it is searched. Frames behind
// a search are marked inexact.
//
// Thread safety: none; one thread at a time.
#ifndef GORDIAN_LIBSYNC_INSPECT_UNWIND_H_
#define GORDIAN_LIBSYNC_INSPECT_UNWIND_H_

#include <elfutils/libdwfl.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "libsync/inspect/address_space.h"
#include "libsync/inspect/memory.h"
#include "libsync/inspect/proc.h"
#include "libsync/inspect/registers.h"
#include "libsync/trace/run.h"

namespace gordian::inspect {

class Unwinder {
 public:
  // Both must outlive this. Opens the files of the modules; those that are not what is loaded are left out.
  Unwinder(const Memory* memory, const AddressSpace* space);
  ~Unwinder();
  Unwinder(const Unwinder&) = delete;
  Unwinder& operator=(const Unwinder&) = delete;

  struct Walk {
    std::vector<uint64_t> addresses;  // innermost first; all but the first are return addresses
    size_t exact = 0;                 // how many of them rest on no search
    bool complete = false;            // came to the stack's end
  };
  Walk Unwind(const Registers& registers);

  // The function that the code at an address belongs to, by its ELF symbol without version and leading
  // underscores; empty when the object has none there.
  const std::string& FunctionAt(uint64_t address);

  // A return address of a signal's handler: behind it stands what the signal interrupted. x86-64 code.
  bool IsSignalReturn(uint64_t address) const;

 private:
  // What the unwind table says of an address.
  struct Function {
    uint64_t row_start = 0;  // of the stretch of code in which frames have the same form
    bool outermost = false;  // where every stack of its kind ends
  };
  struct Attempt {
    std::vector<uint64_t> addresses;
    bool complete = false;
    // Of the last frame.
    uint64_t sp = 0;
    bool frame_pointer_known = false;
    std::optional<Function> function;  // none: its object has no table for it, or it lies in none
    bool in_object = false;
    // As far as a walk can come.
    bool AtEnd() const { return complete || (in_object && !function); }
  };

  void Report(const trace::Module& module);
  Attempt Try(const Registers& registers);
  void SearchFramePointer(const Registers& registers, const Attempt& plain, Walk* walk);
  void SearchCaller(uint64_t sp, Walk* walk);
  std::optional<Function> FindFunction(uint64_t address);
  bool IsLinkage(uint64_t address) const;
  // Whether a call stands before the address: of what the table's row is about, or, without one, of what has
  // no table.
  bool MayHaveCalled(uint64_t return_address, std::optional<uint64_t> row_start);

  static pid_t NextThread(Dwfl* dwfl, void* self, void** thread);
  static bool GetThread(Dwfl* dwfl, pid_t tid, void* self, void** thread);
  static bool ReadWord(Dwfl* dwfl, Dwarf_Addr address, Dwarf_Word* word, void* self);
  static bool SetRegisters(Dwfl_Thread* thread, void* self);
  static int OnFrame(Dwfl_Frame* frame, void* attempt);

  const Memory* memory_;
  const AddressSpace* space_;
  Dwfl_Callbacks callbacks_{};
  Dwfl_Thread_Callbacks thread_callbacks_{};
  Dwfl* dwfl_ = nullptr;
  bool attached_ = false;
  Registers registers_;
  std::optional<MemoryWindow> window_;
  std::unordered_map<uint64_t, std::string> functions_;
};

// Its frames, in the modules of the space.
trace::Stack ToStack(const Unwinder::Walk& walk, const AddressSpace& space);

// The stack of one thread that sleeps in the kernel.
struct TaskStack {
  std::vector<trace::Module> modules;  // that the frames refer to
  trace::Stack stack;
};
TaskStack StackOf(pid_t pid, const TaskWait& wait);

}  // namespace gordian::inspect

#endif  // GORDIAN_LIBSYNC_INSPECT_UNWIND_H_
