// All that is read of the Python in a process.
//
// Thread safety: none; one thread at a time.
#ifndef GORDIAN_LIBSYNC_INSPECT_PYTHON_PROCESS_H_
#define GORDIAN_LIBSYNC_INSPECT_PYTHON_PROCESS_H_

#include <memory>
#include <utility>

#include "libsync/inspect/python/interpreter.h"
#include "libsync/inspect/python/locks.h"
#include "libsync/inspect/python/threads.h"
#include "libsync/inspect/python/variables.h"

namespace gordian::inspect::python {

struct Process {
  explicit Process(std::unique_ptr<Interpreter> found)
      : interpreter(std::move(found)),
        variables(interpreter.get()),
        threads(interpreter.get(), &variables),
        locks(interpreter.get(), &variables) {}
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  std::unique_ptr<Interpreter> interpreter;
  Variables variables;
  Threads threads;
  Locks locks;
};

}  // namespace gordian::inspect::python

#endif  // GORDIAN_LIBSYNC_INSPECT_PYTHON_PROCESS_H_
