#include "cli/kill_tree.h"

#include <csignal>

namespace gordian::cli {

void StopLiving(const ProcessTree& tree, const ProcessId& but) {
  for (const SeenProcess* process : tree.Living()) {
    if (IdOf(process->stat) != but) {
      SignalProcess(IdOf(process->stat), SIGSTOP);
    }
  }
}

void KillLiving(const ProcessTree& tree) {
  for (const SeenProcess* process : tree.Living()) {
    SignalProcess(IdOf(process->stat), SIGKILL);
  }
}

}  // namespace gordian::cli
