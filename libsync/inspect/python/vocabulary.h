// What a thread waits for that sleeps in a function of Python's standard library, in the words of its users.
//
// Thread safety: none; one thread at a time.
#ifndef GORDIAN_LIBSYNC_INSPECT_PYTHON_VOCABULARY_H_
#define GORDIAN_LIBSYNC_INSPECT_PYTHON_VOCABULARY_H_

#include <sys/types.h>

#include <string>

#include "libsync/inspect/python/interpreter.h"
#include "libsync/inspect/python/variables.h"

namespace gordian::inspect::python {

// "an item of Queue jobs", "Event ready"; empty: the innermost frames are no function that is known to wait.
std::string WhatIsAwaited(pid_t inner_tid, Interpreter* interpreter, Variables* variables);

}  // namespace gordian::inspect::python

#endif  // GORDIAN_LIBSYNC_INSPECT_PYTHON_VOCABULARY_H_
