#include "libsync/analyze/near_misses.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "libsync/analyze/content.h"
#include "libsync/analyze/cycle_search.h"
#include "libsync/analyze/finding_builder.h"
#include "libsync/analyze/lineage.h"
#include "libsync/analyze/lookup.h"
#include "libsync/analyze/order_view.h"
#include "libsync/analyze/sharing.h"
#include "libsync/analyze/view_finding.h"

namespace gordian::analyze {
namespace {

// Puts one of them into words.
class NearMissTeller {
 public:
  NearMissTeller(const trace::Run& run, const OrderView& view, const PrunedPath& path)
      : view_(view), path_(path), parts_("lock-order-cycle", run, view) {}

  Finding Tell();

 private:
  const trace::Dependency& DependencyOf(const CycleEdge& edge) const {
    return view_.process().dependencies[static_cast<size_t>(edge.dependency)];
  }
  std::string Name(Index lock);
  void AddEdge(const CycleEdge& edge);
  std::string Fact();

  const OrderView& view_;
  const PrunedPath& path_;
  ViewFinding parts_;
};

std::string NearMissTeller::Name(Index lock) {
  const OrderView::End* end = view_.EndAt(lock);
  return end != nullptr ? absl::StrCat("the end of ", parts_.Thread(end->thread)) : parts_.Lock(lock);
}

void NearMissTeller::AddEdge(const CycleEdge& edge) {
  const trace::Dependency& dependency = DependencyOf(edge);
  const int part = parts_.AddThread(dependency.thread);
  const trace::Holding& held = dependency.held[static_cast<size_t>(edge.held)];
  if (view_.EndAt(held.lock) == nullptr) {
    parts_.AddHeld(part, dependency, held);
    parts_.AddIdentity(dependency, held.stack);
  }
  if (view_.EndAt(dependency.lock) == nullptr) {
    parts_.SetWait(part, parts_.AddLock(dependency.lock), dependency);
  }
  parts_.AddIdentity(dependency, dependency.stack);
}

std::string NearMissTeller::Fact() {
  if (path_.a == kNoIndex) {
    return path_.predicate == kDistinctThreads ? "one thread alone takes it in between the others"
                                               : "whoever waits for it and whoever holds it there only reads";
  }
  const std::string one = parts_.Thread(path_.a);
  const std::string other = parts_.Thread(path_.b);
  if (path_.predicate == kDistinctThreads) {
    return absl::StrCat(one, " would have to stand in two places of it");
  }
  if (path_.predicate == kNoCommonGate) {
    return absl::StrCat(one, " and ", other, " both act under ", Name(path_.gate), ", one at a time");
  }
  if (path_.predicate == kModesConflict) {
    return absl::StrCat(one, " and ", other, " are not in each other's way at the lock between them");
  }
  return absl::StrCat("what ", one, " and ", other,
                      " do there is never at the same time: a creation, a join, a barrier or a once comes "
                      "between");
}

Finding NearMissTeller::Tell() {
  std::vector<std::string> names;
  for (const Index lock : path_.locks) {
    names.push_back(Name(lock));
  }
  for (const CycleEdge& edge : path_.edges) {
    AddEdge(edge);
  }
  const std::string fact = Fact();
  parts_.AddProcesses();
  Finding& finding = parts_.finding();
  finding.level = Level::kNote;
  finding.title = !path_.closed ? absl::StrCat("Rings of lock orders through ", absl::StrJoin(names, ", "))
                  : names.size() == 2
                      ? absl::StrCat(names[0], " and ", names[1], " are taken in opposite orders")
                      : absl::StrCat(absl::StrJoin(names, ", "), " are taken in orders that form a ring");
  finding.explanation = absl::StrCat("It cannot deadlock: ", fact, ".");
  parts_.builder().AddCondition(path_.predicate.c_str(), fact);
  finding.conditions.back().holds = false;
  return std::move(finding);
}

bool IsOfSeveralProcesses(const OrderView& view, const PrunedPath& path) {
  std::set<Index> processes;
  for (const CycleEdge& edge : path.edges) {
    processes.insert(view.OfDependency(edge.dependency).process);
  }
  return processes.size() > 1;
}

std::string KeyOf(ViewContent* content, const PrunedPath& path) {
  std::vector<std::string> classes;
  for (const Index lock : path.locks) {
    classes.push_back(content->Lock(lock));
  }
  std::sort(classes.begin(), classes.end());
  return absl::StrCat(path.predicate, path.closed ? " " : "...", absl::StrJoin(classes, "|"));
}

}  // namespace

std::vector<Finding> NearMisses(const trace::Run& run) {
  std::vector<Finding> result;
  Content content(run);
  FindingGroups groups(&result);
  const auto tell = [&](const OrderView& view, bool several) {
    ViewContent view_content(run, view, &content);
    for (const PrunedPath& path : FindLockOrderCycles(view).pruned) {
      if ((!several || IsOfSeveralProcesses(view, path)) && !groups.Again(KeyOf(&view_content, path))) {
        result.push_back(NearMissTeller(run, view, path).Tell());
      }
    }
  };
  for (size_t p = 0; p < run.processes.size(); ++p) {
    if (IsOver(run, run.processes[p])) {
      tell(OrderView(run.processes[p], static_cast<Index>(p)), false);
    }
  }
  if (run.over) {
    const Lineage lineage(run);
    for (const std::vector<Index>& sharing : ProcessesThatShare(run, lineage)) {
      tell(OrderView(run, sharing, lineage), true);
    }
  }
  return result;
}

}  // namespace gordian::analyze
