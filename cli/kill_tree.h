// Ends processes of the run, and only those.
#ifndef GORDIAN_CLI_KILL_TREE_H_
#define GORDIAN_CLI_KILL_TREE_H_

#include "cli/watch/process_tree.h"

namespace gordian::cli {

// Stops everything of the tree that lives now but one process, so that nobody acts on the death of another.
void StopLiving(const ProcessTree& tree, const ProcessId& but);

// SIGKILLs everything of the tree that lives now. A process may fork before it gets its signal: call it again
// until nothing is left.
void KillLiving(const ProcessTree& tree);

}  // namespace gordian::cli

#endif  // GORDIAN_CLI_KILL_TREE_H_
