#include "reports/finding_graph.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "reports/frames.h"

namespace gordian::report {
namespace {

class GraphBuilder {
 public:
  explicit GraphBuilder(const ReportFinding& finding) : finding_(finding) {}

  FindingGraph Build() {
    for (const ReportThread& thread : finding_.threads) {
      const bool takes_part = !thread.waits.target.empty() || !thread.holds.empty();
      if (!takes_part) {
        continue;
      }
      const size_t self = NodeOf(thread.id);
      for (const ReportHeld& held : thread.holds) {
        graph_.edges.push_back({NodeOf(held.lock), self, Where("held since", held.stack), false});
      }
      if (!thread.waits.target.empty()) {
        graph_.edges.push_back(
            {self, NodeOf(thread.waits.target), Where("waits at", thread.waits.stack), true});
      }
    }
    return std::move(graph_);
  }

 private:
  static std::string Where(const char* what, const Frames& stack) {
    return stack.empty() ? what : absl::StrCat(what, " ", ShortPlace(TopFrame(stack)));
  }

  size_t NodeOf(const std::string& id) {
    const auto known = std::find_if(graph_.nodes.begin(), graph_.nodes.end(),
                                    [&id](const GraphNode& node) { return node.id == id; });
    if (known != graph_.nodes.end()) {
      return static_cast<size_t>(known - graph_.nodes.begin());
    }
    GraphNode node{id, id, GraphNode::Kind::kProcess};
    for (const ReportThread& thread : finding_.threads) {
      if (thread.id == id) {
        node = {id, absl::StrCat(id, " ", thread.name), GraphNode::Kind::kThread};
      }
    }
    for (const ReportLock& lock : finding_.locks) {
      if (lock.id == id) {
        node = {id, lock.name, GraphNode::Kind::kLock};
      }
    }
    graph_.nodes.push_back(std::move(node));
    return graph_.nodes.size() - 1;
  }

  const ReportFinding& finding_;
  FindingGraph graph_;
};

}  // namespace

FindingGraph GraphOf(const ReportFinding& finding) { return GraphBuilder(finding).Build(); }

}  // namespace gordian::report
