// A finding as a graph: who holds what, and who waits for what. Of a deadlock it is the wait-for graph, of a
// lock-order cycle the same as it would be, with the lock that is taken second as the one that is waited for.
//
// Thread safety: pure functions.
#ifndef GORDIAN_REPORTS_FINDING_GRAPH_H_
#define GORDIAN_REPORTS_FINDING_GRAPH_H_

#include <string>
#include <vector>

#include "reports/report.h"

namespace gordian::report {

struct GraphNode {
  enum class Kind { kThread, kLock, kProcess };
  std::string id;  // "T1", "L2", "pid 12", as in the finding
  std::string label;
  Kind kind = Kind::kThread;
};

struct GraphEdge {
  size_t from = 0;  // index of a node
  size_t to = 0;
  std::string label;   // where
  bool waits = false;  // a thread waits for a lock or a thread; otherwise a lock is held by a thread
};

struct FindingGraph {
  std::vector<GraphNode> nodes;
  std::vector<GraphEdge> edges;
};

// Empty where nobody holds or waits. REQUIRES: the finding is printable.
FindingGraph GraphOf(const ReportFinding& finding);

}  // namespace gordian::report

#endif  // GORDIAN_REPORTS_FINDING_GRAPH_H_
