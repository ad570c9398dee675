// A Run of one process out of its core file: what its threads waited for when the core was written, who owned
// it, and where they stood.
//
// A core shows all threads at one moment, out of which none was to go on: what stands still in it stood
// still. What it does not tell is which handlers of signals there were, and who else had its pipes and files.
//
// Thread safety: functions without shared state.
#ifndef GORDIAN_LIBSYNC_INSPECT_CORE_SURVEY_H_
#define GORDIAN_LIBSYNC_INSPECT_CORE_SURVEY_H_

#include <optional>
#include <string>

#include "libsync/trace/run.h"

namespace gordian::inspect {

struct CoreFiles {
  std::string core;
  std::string executable;  // empty: the path that stands in the core
  std::string sysroot;     // what all other paths in the core stand below; empty: the root
};

// nullopt, and `why` in one line: the core cannot be read, or its program is not at hand.
std::optional<trace::Run> SurveyCore(const CoreFiles& files, std::string* why);

}  // namespace gordian::inspect

#endif  // GORDIAN_LIBSYNC_INSPECT_CORE_SURVEY_H_
