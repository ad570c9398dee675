// Starts the program: same process group, same descriptors, same signals as gordian itself was given.
//
// Thread safety: none.
#ifndef GORDIAN_CLI_LAUNCH_H_
#define GORDIAN_CLI_LAUNCH_H_

#include <sys/types.h>

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "cli/signals.h"

namespace gordian::cli {

struct Launched {
  pid_t pid = -1;
  int exec_error = 0;  // errno of execvp or fork; then there is no process
};

// `environment` is asked in the new process: it may depend on its pid.
Launched Launch(const std::vector<std::string>& command,
                const std::function<std::vector<std::string>()>& environment,
                const InheritedSignals& signals);

// What gordian inherited and only the program needs. Gordian must not keep a pipe of the program's open:
// its reader would wait for gordian.
class InheritedDescriptors {
 public:
  // Call first of all: everything open now is inherited.
  static InheritedDescriptors List();
  // What they and the standard streams are open on, as in inspect::DescriptorTarget.
  const std::set<std::string>& targets() const { return targets_; }
  // Puts /dev/null in the place of stdin and stdout and closes all the others but stderr.
  void Release() const;

 private:
  std::vector<int> descriptors_;
  std::set<std::string> targets_;
};

}  // namespace gordian::cli

#endif  // GORDIAN_CLI_LAUNCH_H_
