#include "cli/kill_tree.h"

#include <csignal>

namespace gordian::cli {

void KillLiving(const ProcessTree& tree) {
  for (const SeenProcess* process : tree.Living()) {
    SignalProcess(IdOf(process->stat), SIGKILL);
  }
}

}  // namespace gordian::cli
