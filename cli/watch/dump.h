// The text of --dump-after: what every thread of a run holds and waits for at one moment.
#ifndef GORDIAN_CLI_WATCH_DUMP_H_
#define GORDIAN_CLI_WATCH_DUMP_H_

#include <string>

#include "cli/options.h"
#include "libsync/trace/run.h"

namespace gordian::cli {

std::string DumpThreads(const trace::Run& run, const Options& options);

}  // namespace gordian::cli

#endif  // GORDIAN_CLI_WATCH_DUMP_H_
