// The CPython interpreter of another process, and the Python stacks of its threads, by loads alone: nobody is
// stopped, and no Python code runs for it.
//
// Steps: the loaded object that exports _PyRuntime; its version, by the exported Py_Version or the object's
// name; the row of that version (layout.h); from the runtime over its interpreters to their threads, each of
// which must point back and be a thread of the process; from a thread to its frames and their code objects.
// What does not hold ends the reading with a sentence about it. A thread that runs meanwhile may show a stack
// that never was: only what a thread that sleeps shows is believed, as with native stacks.
//
// Thread safety: none; one thread at a time.
#ifndef GORDIAN_LIBSYNC_INSPECT_PYTHON_INTERPRETER_H_
#define GORDIAN_LIBSYNC_INSPECT_PYTHON_INTERPRETER_H_

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "libsync/inspect/address_space.h"
#include "libsync/inspect/libc_layout.h"
#include "libsync/inspect/memory.h"
#include "libsync/python/layout.h"
#include "libsync/trace/run.h"

namespace gordian::inspect::python {

using gordian::python::Layout;

class Interpreter {
 public:
  // nullptr: there is no CPython in the process, or (`why` says so) one that is not read. All must outlive
  // this. `libc` may be nullptr. `inner_tids`: of all threads, as the process itself knows them.
  static std::unique_ptr<Interpreter> Find(const Memory* memory, const AddressSpace* space,
                                           const LibcLayout* libc, const std::set<pid_t>& inner_tids,
                                           std::string* why);

  // The object that the interpreter lies in.
  trace::Index module() const { return module_; }
  // Whether the code at an address is that of the native evaluation loop.
  bool IsEvaluationLoop(uint64_t address) const { return address - evaluation_start_ < evaluation_size_; }
  // The Python stack of a thread, innermost first, in the pieces that one native evaluation loop each runs.
  // Empty where the thread runs no Python.
  std::vector<std::vector<trace::Frame>> StackOf(pid_t inner_tid);

  struct Frame {
    uint64_t address = 0;
    uint64_t code = 0;
    int64_t instruction = 0;  // bytes from the beginning of the code
    bool last_of_loop = false;
    bool shell = false;  // has no Python code
    uint64_t previous = 0;
  };
  // The frames of a thread with Python code, innermost first.
  std::vector<Frame> FramesOf(pid_t inner_tid) const;
  // A frame as a report shows it, at another of its instructions than the one that it is at.
  trace::Frame Describe(const Frame& frame, int64_t instruction);
  trace::Frame Describe(const Frame& frame) { return Describe(frame, frame.instruction); }
  // By the number that Python gives it (threading.get_ident()); 0: none of this process's threads.
  pid_t ThreadByIdent(uint64_t ident) const;
  std::vector<pid_t> threads() const;
  const Memory& memory() const { return *memory_; }
  const Layout& layout() const { return layout_; }

 private:
  // What a code object says, read once.
  struct Code {
    std::string function;
    std::string file;
    std::string line_table;
    int first_line = 0;
  };

  Interpreter(const Memory* memory, const Layout& layout, const LibcLayout* libc)
      : memory_(memory), layout_(layout), libc_(libc) {}

  bool FindThreads(uint64_t runtime, const std::set<pid_t>& inner_tids);
  bool AddThreads(uint64_t interpreter, const std::set<pid_t>& inner_tids);
  pid_t InnerTid(uint64_t thread) const;
  uint64_t InnermostFrame(uint64_t thread) const;
  std::vector<Frame> Walk(pid_t inner_tid) const;
  std::optional<Frame> ReadFrame(uint64_t address) const;
  int64_t ReadInstruction(uint64_t frame, uint64_t code) const;
  const Code* ReadCode(uint64_t address);

  const Memory* memory_;
  const Layout& layout_;
  const LibcLayout* libc_;
  trace::Index module_ = trace::kNoIndex;
  uint64_t evaluation_start_ = 0;
  uint64_t evaluation_size_ = 0;
  std::map<pid_t, uint64_t> threads_;  // PyThreadState by inner tid
  std::map<uint64_t, std::optional<Code>> codes_;
  std::map<std::pair<uint64_t, int64_t>, std::shared_ptr<const trace::ScriptFrame>> described_;
};

}  // namespace gordian::inspect::python

#endif  // GORDIAN_LIBSYNC_INSPECT_PYTHON_INTERPRETER_H_
