// The variables of Python frames, and what the program calls an object by them.
//
// Thread safety: none; one thread at a time.
#ifndef GORDIAN_LIBSYNC_INSPECT_PYTHON_VARIABLES_H_
#define GORDIAN_LIBSYNC_INSPECT_PYTHON_VARIABLES_H_

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "libsync/inspect/python/interpreter.h"
#include "libsync/inspect/python/objects.h"

namespace gordian::inspect::python {

class Variables {
 public:
  using Frame = Interpreter::Frame;

  // `interpreter` must outlive this.
  explicit Variables(Interpreter* interpreter);

  // Names and objects, the arguments first; 0: not set.
  std::vector<std::pair<std::string, uint64_t>> LocalsOf(const Frame& frame);
  // The first argument.
  uint64_t Self(const Frame& frame);
  // "lock_a" for a global variable, "checking._lock" for an attribute of one, "Account._lock" for one of
  // another object, a local variable; empty: not found. `inner_tid`: a thread that has to do with it.
  std::string NameOf(uint64_t object, pid_t inner_tid);
  Objects& objects() { return objects_; }

 private:
  // What a frame calls an object, in each of the ways; empty: not.
  std::string GlobalName(const Frame& frame, uint64_t object);
  std::string GlobalAttributeName(const Frame& frame, uint64_t object);
  std::string LocalAttributeName(const Frame& frame, uint64_t object);
  std::string LocalName(const Frame& frame, uint64_t object);
  std::vector<Item> GlobalsOf(const Frame& frame);
  std::string AttributeName(uint64_t owner, uint64_t object);

  Interpreter* interpreter_;
  Objects objects_;
};

}  // namespace gordian::inspect::python

#endif  // GORDIAN_LIBSYNC_INSPECT_PYTHON_VARIABLES_H_
