// What the tests of the judge ask of a played script.
#ifndef GORDIAN_TESTS_ANALYZE_JUDGE_H_
#define GORDIAN_TESTS_ANALYZE_JUDGE_H_

#include <algorithm>
#include <string>
#include <vector>

#include "libsync/analyze/cycle_search.h"
#include "libsync/analyze/detector.h"
#include "tests/support/event_script.h"

namespace gordian::test {

inline std::string NameOfLock(const Played& played, trace::Index lock) {
  for (const auto& [name, index] : played.locks) {
    if (index == lock) {
      return name;
    }
  }
  return "?";
}

inline std::string NameOfThread(const Played& played, trace::Index thread) {
  for (const auto& [number, index] : played.threads) {
    if (index == thread) {
      return std::to_string(number);
    }
  }
  return "?";
}

// The locks of each reported cycle in order, as "A B C"; the end of thread 2 is "end(2)".
inline std::vector<std::string> CyclesOf(const Played& played) {
  std::vector<std::string> result;
  const analyze::OrderView view(played.process());
  for (const analyze::LockOrderCycle& cycle : analyze::FindLockOrderCycles(view).cycles) {
    std::string locks;
    for (const analyze::CycleEdge& edge : cycle.edges) {
      const trace::Dependency& dependency = view.process().dependencies[static_cast<size_t>(edge.dependency)];
      const trace::Index lock = dependency.held[static_cast<size_t>(edge.held)].lock;
      const analyze::OrderView::End* end = view.EndAt(lock);
      locks += locks.empty() ? "" : " ";
      locks += end != nullptr ? "end(" + NameOfThread(played, end->thread) + ")" : NameOfLock(played, lock);
    }
    result.push_back(locks);
  }
  return result;
}

// The rule ids of all findings, in order.
inline std::vector<std::string> RulesOf(const trace::Run& run) {
  std::vector<std::string> result;
  for (const analyze::Finding& finding : analyze::Analyze(run)) {
    result.emplace_back(finding.rule->id);
  }
  return result;
}

inline std::vector<std::string> RulesOf(const char* script) { return RulesOf(Play(script).run); }

// Findings of one rule.
inline std::vector<analyze::Finding> FindingsOf(const trace::Run& run, const std::string& rule) {
  std::vector<analyze::Finding> result = analyze::Analyze(run);
  result.erase(std::remove_if(result.begin(), result.end(),
                              [&rule](const analyze::Finding& finding) { return finding.rule->id != rule; }),
               result.end());
  return result;
}

}  // namespace gordian::test

#endif  // GORDIAN_TESTS_ANALYZE_JUDGE_H_
