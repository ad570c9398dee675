// semaphore-leaked: a named semaphore or shared memory that was made in the run and that nobody unlinked. It
// stays in the system, with its value, until somebody does.
#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/strings/str_cat.h"
#include "libsync/analyze/content.h"
#include "libsync/analyze/detectors/detectors.h"
#include "libsync/analyze/finding_builder.h"
#include "libsync/analyze/lookup.h"

namespace gordian::analyze {
namespace {

// What the processes of a run did to one name.
struct Name {
  Index process = kNoIndex;
  const trace::Event* created = nullptr;  // the last time
  uint64_t unlinked_ns = 0;
};

bool IsSemaphore(const trace::Event& event) { return event.value == 0; }

Finding Build(const trace::Run& run, const Name& name) {
  const trace::Event& event = *name.created;
  FindingBuilder builder("semaphore-leaked", run, name.process);
  Finding& finding = builder.finding();
  const char* what = IsSemaphore(event) ? "semaphore" : "shared memory";
  const char* unlink = IsSemaphore(event) ? "sem_unlink" : "shm_unlink";
  finding.subject = what;
  const int actor = builder.AddThread(event.thread);
  finding.title = absl::StrCat(actor >= 0 ? ThreadName(actor) : "A thread", " created the ", what, " ",
                               event.text, ", and nobody unlinked it");
  finding.explanation = absl::StrCat(
      "A name outlives the processes that use it: ", event.text, " stays in the system until a call of ",
      unlink, "(), or the next boot",
      IsSemaphore(event) ? ". The next run finds the semaphore with the value that this one left." : ".");
  finding.fix =
      absl::StrCat("Call ", unlink, "(\"", event.text,
                   "\") when the last user is done; or at once after all have opened it: who has it "
                   "open keeps it.");
  if (actor >= 0) {
    ThreadPart& part = finding.threads[static_cast<size_t>(actor)];
    part.role = "created it";
    part.at = builder.Stack(event.stack);
  }
  builder.AddStep(actor, absl::StrCat("create ", event.text), -1, event.stack);
  builder.AddIdentity(event.stack);
  return std::move(finding);
}

}  // namespace

void JudgeNames(const trace::Run& run, const Options& /*options*/, std::vector<Finding>* findings) {
  if (!run.over) {
    return;  // any of its processes may still do it
  }
  absl::btree_map<std::pair<int64_t, std::string>, Name> names;
  for (size_t p = 0; p < run.processes.size(); ++p) {
    for (const trace::Event& event : run.processes[p].events) {
      if (event.kind != trace::EventKind::kNameCreated && event.kind != trace::EventKind::kNameUnlinked) {
        continue;
      }
      Name& name = names[{event.value, event.text}];
      if (event.kind == trace::EventKind::kNameUnlinked) {
        name.unlinked_ns = std::max(name.unlinked_ns, event.time_ns);
      } else if (name.created == nullptr || name.created->time_ns < event.time_ns) {
        name.created = &event;
        name.process = static_cast<Index>(p);
      }
    }
  }
  Content content(run);
  FindingGroups groups(findings);
  for (const auto& [key, name] : names) {
    if (name.created != nullptr && name.unlinked_ns < name.created->time_ns &&
        !groups.Again(absl::StrCat(key.first, "|", content.Stack(name.process, name.created->stack)))) {
      findings->push_back(Build(run, name));
    }
  }
}

}  // namespace gordian::analyze
