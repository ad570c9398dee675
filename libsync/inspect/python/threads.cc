#include "libsync/inspect/python/threads.h"

#include <algorithm>
#include <cstddef>
#include <vector>

#include "libsync/inspect/python/library.h"

namespace gordian::inspect::python {
namespace {

// join() itself, and the helper that it waits in.
constexpr size_t kFramesOfJoin = 3;

}  // namespace

uint64_t Threads::ThreadObject(pid_t inner_tid) {
  for (const Interpreter::Frame& frame : interpreter_->FramesOf(inner_tid)) {
    if (IsLibraryFunction(interpreter_->Describe(frame), "threading.py", "_bootstrap_inner")) {
      return variables_->Self(frame);
    }
  }
  return 0;
}

std::string Threads::NameOf(pid_t inner_tid) {
  Objects& objects = variables_->objects();
  return objects.Text(objects.Attribute(ThreadObject(inner_tid), "_name"));
}

// Up to 3.12 the interpreter's end takes the lock that a thread which is no daemon has until its own end.
pid_t Threads::AwaitedAtExit(const Interpreter::Frame& shutdown) {
  for (const auto& [name, value] : variables_->LocalsOf(shutdown)) {
    if (variables_->objects().TypeName(value) != "_thread.lock") {
      continue;
    }
    for (const pid_t tid : interpreter_->threads()) {
      if (variables_->objects().Attribute(ThreadObject(tid), "_tstate_lock") == value) {
        return tid;
      }
    }
  }
  return 0;
}

pid_t Threads::JoinedBy(pid_t inner_tid) {
  std::vector<Interpreter::Frame> frames = interpreter_->FramesOf(inner_tid);
  frames.resize(std::min(frames.size(), kFramesOfJoin));
  for (const Interpreter::Frame& frame : frames) {
    const trace::Frame described = interpreter_->Describe(frame);
    if (IsLibraryFunction(described, "threading.py", "join")) {
      Objects& objects = variables_->objects();
      const auto ident = objects.Number(objects.Attribute(variables_->Self(frame), "_ident"));
      return ident ? interpreter_->ThreadByIdent(*ident) : 0;
    }
    if (IsLibraryFunction(described, "threading.py", "_shutdown")) {
      return AwaitedAtExit(frame);
    }
  }
  return 0;
}

}  // namespace gordian::inspect::python
