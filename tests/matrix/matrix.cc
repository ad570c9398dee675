// One cell of the matrix: runs a pattern with a kind of lock.
//
//     matrix KIND PATTERN     exits with 0; with 2 where the kind cannot do what the pattern needs
//     matrix                  lists the kinds, then an empty line, then the patterns
#include <cstdio>
#include <cstring>

#include "tests/matrix/lock.h"
#include "tests/matrix/patterns.h"

using gordian::matrix::Cell;
using gordian::matrix::Kind;
using gordian::matrix::Kinds;
using gordian::matrix::Pattern;
using gordian::matrix::Patterns;

const std::vector<Kind>& gordian::matrix::Kinds() {
  static const std::vector<Kind> kinds = [] {
    std::vector<Kind> all = PthreadKinds();
    for (const std::vector<Kind>& more : {StandardKinds(), LibsyncKinds(), FileKinds()}) {
      all.insert(all.end(), more.begin(), more.end());
    }
    return all;
  }();
  return kinds;
}

int main(int argc, char** argv) {
  if (argc != 3) {
    for (const Kind& kind : Kinds()) {
      std::puts(kind.name);
    }
    std::puts("");
    for (const Pattern& pattern : Patterns()) {
      std::puts(pattern.name);
    }
    return 0;
  }
  for (const Kind& kind : Kinds()) {
    for (const Pattern& pattern : Patterns()) {
      if (std::strcmp(argv[1], kind.name) == 0 && std::strcmp(argv[2], pattern.name) == 0) {
        Cell cell(kind);
        pattern.run(&cell);
        return 0;
      }
    }
  }
  std::fprintf(stderr, "no such cell: %s %s\n", argv[1], argv[2]);
  return 1;
}
