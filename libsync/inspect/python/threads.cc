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

std::string Threads::NameOf(pid_t inner_tid) {
  for (const Interpreter::Frame& frame : interpreter_->FramesOf(inner_tid)) {
    if (IsLibraryFunction(interpreter_->Describe(frame), "threading.py", "_bootstrap_inner")) {
      Objects& objects = variables_->objects();
      return objects.Text(objects.Attribute(variables_->Self(frame), "_name"));
    }
  }
  return "";
}

pid_t Threads::JoinedBy(pid_t inner_tid) {
  std::vector<Interpreter::Frame> frames = interpreter_->FramesOf(inner_tid);
  frames.resize(std::min(frames.size(), kFramesOfJoin));
  for (const Interpreter::Frame& frame : frames) {
    if (IsLibraryFunction(interpreter_->Describe(frame), "threading.py", "join")) {
      Objects& objects = variables_->objects();
      const auto ident = objects.Number(objects.Attribute(variables_->Self(frame), "_ident"));
      return ident ? interpreter_->ThreadByIdent(*ident) : 0;
    }
  }
  return 0;
}

}  // namespace gordian::inspect::python
