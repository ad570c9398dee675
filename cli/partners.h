// A look at processes together with those that they wait for: who maps the same memory, has the file lock or
// the other end of a pipe, is a child. One process of a deadlock over several does not show it alone.
//
// Thread safety: functions without shared state.
#ifndef GORDIAN_CLI_PARTNERS_H_
#define GORDIAN_CLI_PARTNERS_H_

#include <sys/types.h>

#include <vector>

#include "libsync/inspect/survey.h"

namespace gordian::cli {

// A survey of `pids`. Other processes are in it only where some of `pids` are stuck together with them.
inspect::Survey SurveyWithPartners(const std::vector<pid_t>& pids, const inspect::SurveyOptions& options);

// Without the processes of which `keep` (one entry each) is false: what they could end, somebody outside can.
void KeepProcesses(const std::vector<bool>& keep, trace::Run* run);

}  // namespace gordian::cli

#endif  // GORDIAN_CLI_PARTNERS_H_
