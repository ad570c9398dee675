// Strongly connected components of a graph.
//
// Thread safety: a function without shared state.
#ifndef GORDIAN_LIBSYNC_ANALYZE_STRONG_COMPONENTS_H_
#define GORDIAN_LIBSYNC_ANALYZE_STRONG_COMPONENTS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/types/span.h"

namespace gordian::analyze {

// The component number of each of `count` nodes, from 0, by Tarjan's algorithm without recursion. -1 for a
// node that shares its component with no other.
std::vector<int32_t> CyclicComponents(size_t count,
                                      absl::FunctionRef<absl::Span<const int32_t>(size_t)> successors_of);
std::vector<int32_t> CyclicComponents(const std::vector<std::vector<int32_t>>& successors);

}  // namespace gordian::analyze

#endif  // GORDIAN_LIBSYNC_ANALYZE_STRONG_COMPONENTS_H_
