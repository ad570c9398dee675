#include "libsync/analyze/strong_components.h"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace gordian::analyze {

std::vector<int32_t> CyclicComponents(const std::vector<std::vector<int32_t>>& successors) {
  return CyclicComponents(successors.size(), [&](size_t node) { return absl::MakeSpan(successors[node]); });
}

std::vector<int32_t> CyclicComponents(size_t count,
                                      absl::FunctionRef<absl::Span<const int32_t>(size_t)> successors_of) {
  std::vector<int32_t> order(count, -1);
  std::vector<int32_t> low(count, 0);
  std::vector<int32_t> component(count, -1);
  std::vector<bool> on_stack(count, false);
  std::vector<int32_t> stack;
  std::vector<std::pair<int32_t, size_t>> calls;
  int32_t next_order = 0;
  int32_t next_component = 0;
  for (size_t root = 0; root < count; ++root) {
    if (order[root] >= 0) {
      continue;
    }
    calls.emplace_back(static_cast<int32_t>(root), 0);
    while (!calls.empty()) {
      const int32_t node = calls.back().first;
      const auto n = static_cast<size_t>(node);
      if (calls.back().second == 0) {
        order[n] = low[n] = next_order++;
        stack.push_back(node);
        on_stack[n] = true;
      }
      const absl::Span<const int32_t> successors = successors_of(n);
      if (calls.back().second < successors.size()) {
        const auto next = static_cast<size_t>(successors[calls.back().second++]);
        if (order[next] < 0) {
          calls.emplace_back(static_cast<int32_t>(next), 0);
        } else if (on_stack[next]) {
          low[n] = std::min(low[n], order[next]);
        }
        continue;
      }
      calls.pop_back();
      if (!calls.empty()) {
        const auto parent = static_cast<size_t>(calls.back().first);
        low[parent] = std::min(low[parent], low[n]);
      }
      if (low[n] == order[n]) {
        const bool cyclic = stack.back() != node;
        int32_t member = -1;
        do {
          member = stack.back();
          stack.pop_back();
          component[static_cast<size_t>(member)] = cyclic ? next_component : -1;
          on_stack[static_cast<size_t>(member)] = false;
        } while (member != node);
        next_component += cyclic ? 1 : 0;
      }
    }
  }
  return component;
}

}  // namespace gordian::analyze
