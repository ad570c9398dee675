// What an interpreter runs on the calling thread: functions and lines of Python, read from the thread's own
// frames by loads alone, without the interpreter's lock. Only this thread changes them, and they keep their
// code objects alive. Where no known interpreter was loaded at the start, nothing here does anything.
//
// A code object may be gone when a report is made, so what tells its lines is copied into the trace when it
// is met first.
#ifndef GORDIAN_LIBSYNC_RECORD_SCRIPTS_H_
#define GORDIAN_LIBSYNC_RECORD_SCRIPTS_H_

#include <cstdint>

#include "libsync/python/layout.h"
#include "libsync/record/thread.h"
#include "libsync/trace/layout.h"
#include "libsync/trace/plan.h"

namespace gordian::record {

// The interpreter that was loaded with the program. layout == nullptr: none, or one that is not known.
// Constant after start-up.
struct Interpreter {
  const python::Layout* layout;
  uint64_t image_start;  // of the object that it lies in
  uint64_t image_end;
  uint64_t loop;  // its evaluation loop; 0: not known
};
extern Interpreter g_interpreter;

// Once, at start-up.
void FindInterpreter();

// A code object and how far it has come.
struct ScriptPlace {
  uint64_t code;
  int64_t instruction;  // in bytes
  bool last_of_loop;    // a native evaluation loop began with it
};
inline constexpr int kMaxScriptFrames = 48;
// The frames of the calling thread, innermost first; returns how many.
int ReadScripts(ScriptPlace* places, int most);

// Tells apart where scripts call from: of the innermost frames. 0: none.
uint64_t ScriptKey();

// How a frame stands in a stack. 0: it cannot be told. REQUIRES: inside the recorder.
uint64_t EncodeScript(const ScriptPlace& place);
// The same of a frame in an ancestor's trace.
uint64_t InheritScript(const TraceFile& from, uint64_t frame);
// Whether a lock that was made there stands for the life of its maker: the thread takes it at its beginning
// and gives it up at its end, for which Thread.join() waits by taking it (threading.py, up to Python 3.12).
bool StandsForThread(trace::Ref create_stack);
// What a plan knows a frame of a script by.
trace::PlanFrame PlannedScript(uint64_t frame);

inline bool IsOfInterpreter(uintptr_t address) {
  return address - g_interpreter.image_start < g_interpreter.image_end - g_interpreter.image_start;
}

// While it lives, what the calling thread takes is told apart by where its script is, too.
class InScript {
 public:
  InScript() {
    if (__builtin_expect(g_interpreter.layout != nullptr, 0)) {
      waits_ = Begin();
    }
  }
  ~InScript() {
    if (__builtin_expect(g_interpreter.layout != nullptr, 0)) {
      End();
    }
  }
  InScript(const InScript&) = delete;
  InScript& operator=(const InScript&) = delete;

  // Whether it takes a lock in a way that waits for ever: by `with`, or by a call without arguments.
  bool waits() const { return waits_; }

 private:
  static bool Begin();
  static void End();

  bool waits_ = false;
};

}  // namespace gordian::record

#endif  // GORDIAN_LIBSYNC_RECORD_SCRIPTS_H_
