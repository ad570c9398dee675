// Strongly connected components of a graph.
//
// Thread safety: a function without shared state.
#ifndef GORDIAN_LIBSYNC_ANALYZE_STRONG_COMPONENTS_H_
#define GORDIAN_LIBSYNC_ANALYZE_STRONG_COMPONENTS_H_

#include <cstdint>
#include <vector>

namespace gordian::analyze {

// The component number of each node, from 0, by Tarjan's algorithm without recursion. -1 for a node that
// shares its component with no other.
std::vector<int32_t> CyclicComponents(const std::vector<std::vector<int32_t>>& successors);

}  // namespace gordian::analyze

#endif  // GORDIAN_LIBSYNC_ANALYZE_STRONG_COMPONENTS_H_
