// The patterns of the matrix: what is done with up to four locks A, B, C, D and a gate G of one kind.
#ifndef GORDIAN_TESTS_MATRIX_PATTERNS_H_
#define GORDIAN_TESTS_MATRIX_PATTERNS_H_

#include <functional>
#include <vector>

#include "tests/matrix/lock.h"

namespace gordian::matrix {

// The locks of a cell, all of one kind, and how its parts run.
class Cell {
 public:
  explicit Cell(const Kind& kind);

  Lock& a() { return *locks_[0]; }
  Lock& b() { return *locks_[1]; }
  Lock& c() { return *locks_[2]; }
  Lock& d() { return *locks_[3]; }
  Lock& gate() { return *locks_[4]; }

  // Ends all of the locks, which nobody holds, and makes new ones in the same memory.
  void Renew();

  // What one part does, and which part: parts are threads (processes, where locks belong to one).
  using Action = std::function<void()>;
  struct Step {
    int part;
    Action action;
  };
  // Runs the steps in this order. All parts live from before the first step to after the last: luck alone
  // orders them.
  void ByLuck(const std::vector<Step>& steps);
  // The same, each action being a part of its own.
  void ByLuck(const std::vector<Action>& actions);

  // Runs the action in a part that is created now and awaited.
  void Apart(const Action& action);

 private:
  static constexpr int kLocks = 5;
  void Make();

  const Kind& kind_;
  int parts_ = 0;  // created so far
  char* memory_;
  Lock* locks_[kLocks];
};

struct Pattern {
  const char* name;
  void (*run)(Cell* cell);
};
const std::vector<Pattern>& Patterns();

}  // namespace gordian::matrix

#endif  // GORDIAN_TESTS_MATRIX_PATTERNS_H_
