// Which functions only lock on behalf of their caller, so that the place of a lock call is their caller's.
//
// A function is a lock wrapper by its library's table, by its name where that says nothing but "lock a
// mutex", by its shape, or because the user says so. By shape: it is short, several places call it, and it
// was seen to return with the lock held. What belongs to a known wrapper (the constructor of its class,
// `my_init` beside `my_lock`) is one as well. Thread safety: none; one thread at a time.
#ifndef GORDIAN_REPORTS_WRAPPERS_H_
#define GORDIAN_REPORTS_WRAPPERS_H_

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "reports/report.h"

namespace gordian::report {

class Wrappers {
 public:
  // `globs` match names of functions, without their template arguments.
  explicit Wrappers(std::vector<std::string> globs) : globs_(std::move(globs)) {}

  // The bytes of code of a frame's function; 0 where that is not known.
  using SizeOf = std::function<uint64_t(const SourceFrame&)>;
  // A thread still held at `later` what it had locked at `held`.
  void Learn(const Frames& held, const Frames& later, const SizeOf& size_of);

  // Sets SourceFrame::wrapper of the innermost frames. Of a stack that is nothing but wrappers none is one.
  void Mark(Frames* stack, const SizeOf& size_of) const;

 private:
  struct Shape {
    std::set<std::string> callers;
    bool returned = false;  // with the lock held
    bool small = true;
  };
  using Key = std::pair<std::string, std::string>;  // module, function

  bool IsWrapper(const SourceFrame& frame, const SizeOf& size_of) const;
  bool IsWrapperAt(const Frames& stack, size_t at, const SizeOf& size_of) const;
  // Short, and seen to return with the lock held.
  bool OnlyLocks(const Key& key) const;
  // And called from several places.
  bool HasShape(const Key& key) const;
  bool BelongsToOne(const Key& key) const;
  static Key KeyOf(const SourceFrame& frame);

  std::vector<std::string> globs_;
  std::map<Key, Shape> shapes_;
};

// The function or its class has a word of locking in its name: where a fingerprint looks at its caller too.
bool SoundsLikeWrapper(const std::string& function);

}  // namespace gordian::report

#endif  // GORDIAN_REPORTS_WRAPPERS_H_
