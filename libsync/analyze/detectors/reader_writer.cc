// reader-writer-starve: a thread reads a lock again that it reads already, and the lock lets waiting writers
// go first. A writer that comes between waits for the reader, and the reader for the writer. Judged when a
// process, or the run, is over, because a writer may come later.
#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "libsync/analyze/content.h"
#include "libsync/analyze/cycle_search.h"
#include "libsync/analyze/detectors/detectors.h"
#include "libsync/analyze/finding_builder.h"
#include "libsync/analyze/gates.h"
#include "libsync/analyze/happens_before.h"
#include "libsync/analyze/lineage.h"
#include "libsync/analyze/lookup.h"
#include "libsync/analyze/order_view.h"
#include "libsync/analyze/sharing.h"
#include "libsync/analyze/view_finding.h"
#include "libsync/analyze/wait_for_graph.h"

namespace gordian::analyze {
namespace {

using trace::Dependency;
using trace::Mode;

// Of one view.
class ReaderWriterJudge {
 public:
  ReaderWriterJudge(const trace::Run& run, const OrderView& view, Content* content, FindingGroups* groups)
      : run_(run), view_(view), content_(run, view, content), groups_(*groups) {}

  // `over`: only a writer of another process counts.
  void Judge(bool over, std::vector<Finding>* findings);

 private:
  const trace::Holding* ReadBefore(const Dependency& dependency) const;
  const Dependency* WriterAgainst(const Dependency& reader, bool over);
  bool CanComeBetween(const Dependency& writer, const Dependency& reader, Gates::SetId gates);
  int32_t PidOf(const Dependency& dependency) const;
  std::string Key(const Dependency& reader, const trace::Holding& first);
  Finding Build(const Dependency& reader, const trace::Holding& first, const Dependency& writer) const;

  const trace::Run& run_;
  const OrderView& view_;
  ViewContent content_;
  FindingGroups& groups_;
  // Made when the first candidate comes.
  std::unique_ptr<Gates> gates_;
  std::unique_ptr<HappensBefore> order_;
  absl::flat_hash_map<Index, std::vector<const Dependency*>> writers_;
};

// How the thread read the lock already when it came to read it again.
const trace::Holding* ReaderWriterJudge::ReadBefore(const Dependency& dependency) const {
  const trace::Process& process = view_.process();
  const trace::Lock* lock = At(process.locks, dependency.lock);
  if (lock == nullptr || lock->kind != trace::LockKind::kWriterRwlock || dependency.mode != Mode::kShared ||
      !view_.locks().IsReportable(dependency.lock) || At(process.threads, dependency.thread) == nullptr) {
    return nullptr;
  }
  const auto held =
      std::find_if(dependency.held.begin(), dependency.held.end(), [&](const trace::Holding& holding) {
        return holding.mode == Mode::kShared &&
               view_.locks().Of(holding.lock) == view_.locks().Of(dependency.lock);
      });
  return held != dependency.held.end() ? &*held : nullptr;
}

bool ReaderWriterJudge::CanComeBetween(const Dependency& writer, const Dependency& reader,
                                       Gates::SetId gates) {
  const bool holds_it =
      std::any_of(writer.held.begin(), writer.held.end(), [&](const trace::Holding& holding) {
        return view_.locks().Of(holding.lock) == view_.locks().Of(reader.lock);
      });
  return writer.thread != reader.thread && !holds_it &&
         gates_->Common(gates, gates_->Intern(writer.thread, writer.held)) == kNoIndex &&
         view_.LivesOverlap(reader.thread, writer.thread) && order_->MayOverlap(reader, writer);
}

// Somebody else who wants to write at a time when the reader can be between its two reads.
const Dependency* ReaderWriterJudge::WriterAgainst(const Dependency& reader, bool over) {
  if (gates_ == nullptr) {
    const trace::Process& process = view_.process();
    gates_ = std::make_unique<Gates>(process, view_.locks(), view_.frames(), view_.frame_of());
    order_ = std::make_unique<HappensBefore>(process, &view_.locks());
    for (const Dependency& dependency : process.dependencies) {
      if (dependency.mode == Mode::kExclusive && At(process.threads, dependency.thread) != nullptr) {
        writers_[view_.locks().Of(dependency.lock)].push_back(&dependency);
      }
    }
  }
  const Gates::SetId gates = gates_->Intern(reader.thread, reader.held);
  for (const Dependency* writer : writers_[view_.locks().Of(reader.lock)]) {
    if ((!over || PidOf(*writer) != PidOf(reader)) && CanComeBetween(*writer, reader, gates)) {
      return writer;
    }
  }
  return nullptr;
}

int32_t ReaderWriterJudge::PidOf(const Dependency& dependency) const {
  return run_.processes[static_cast<size_t>(view_.OfThread(dependency.thread).process)].pid;
}

std::string ReaderWriterJudge::Key(const Dependency& reader, const trace::Holding& first) {
  return absl::StrCat(content_.Lock(reader.lock), "|", content_.Stack(reader, first.stack), "|",
                      content_.Stack(reader, reader.stack));
}

Finding ReaderWriterJudge::Build(const Dependency& reader, const trace::Holding& first,
                                 const Dependency& writer) const {
  ViewFinding parts("reader-writer-starve", run_, view_);
  Finding& finding = parts.finding();
  const int reads = parts.AddThread(reader.thread);
  const int writes = parts.AddThread(writer.thread);
  const int lock = parts.AddLock(reader.lock);
  parts.AddHeld(reads, reader, first);
  parts.SetWait(reads, lock, reader);
  parts.SetWait(writes, lock, writer);
  finding.threads[static_cast<size_t>(writes)].role = "a writer that comes between";
  parts.AddStep(reads, "lock shared", lock, reader, first.stack);
  parts.AddStep(writes, "queues to write", lock, writer, writer.stack);
  parts.AddStep(reads, "blocks on", lock, reader, reader.stack);
  parts.AddIdentity(reader, first.stack);
  parts.AddIdentity(reader, reader.stack);
  parts.AddProcesses();
  finding.title = "{thread:0} reads {lock:0} again while it reads it: a writer between the two hangs both";
  finding.explanation =
      "{lock:0} lets waiting writers go first (PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP). {thread:0} "
      "holds "
      "it for reading and asks for it once more. If {thread:1} asks for it for writing between the two, it "
      "waits for {thread:0} to leave, and {thread:0} waits behind it: neither ever goes on.";
  finding.fix =
      "Do not take {lock:0} again inside a read section: split the function into one that locks and one that "
      "expects the lock to be held. Or use the default kind of read-write lock, which grants recursive "
      "reads.";
  FindingBuilder& builder = parts.builder();
  builder.AddCondition(kDistinctThreads, "another thread writes");
  builder.AddCondition(kNoCommonGate, "no lock that both hold keeps the writer out between the two reads");
  builder.AddCondition(kMayOverlap, "no creation and no join of a thread puts one before the other");
  builder.AddCondition(kCanBlock, "none of the waits is a try or has a timeout");
  return std::move(finding);
}

void ReaderWriterJudge::Judge(bool over, std::vector<Finding>* findings) {
  std::vector<std::pair<const Dependency*, const trace::Holding*>> again;
  for (const Dependency& dependency : view_.process().dependencies) {
    if (const trace::Holding* first = ReadBefore(dependency); first != nullptr) {
      again.emplace_back(&dependency, first);
    }
  }
  if (again.empty()) {
    return;
  }
  absl::flat_hash_set<Index> hung;  // the hang itself is reported as what it is
  for (const Stall& stall : FindStalls(run_, view_.Processes())) {
    for (const ThreadRef& ref : stall.threads) {
      const trace::Process& process = run_.processes[static_cast<size_t>(ref.process)];
      hung.insert(view_.ViewedLock(
          {ref.process, AwaitedLock(process.threads[static_cast<size_t>(ref.thread)].wait)}));
    }
  }
  for (const auto& [reader, first] : again) {
    if (hung.contains(view_.locks().Of(reader->lock))) {
      continue;
    }
    const Dependency* writer = WriterAgainst(*reader, over);
    if (writer != nullptr && !groups_.Again(Key(*reader, *first))) {
      findings->push_back(Build(*reader, *first, *writer));
    }
  }
}

}  // namespace

void JudgeReaderWriter(const trace::Run& run, const Options& /*options*/, std::vector<Finding>* findings) {
  Content content(run);
  FindingGroups groups(findings);
  for (size_t p = 0; p < run.processes.size(); ++p) {
    if (IsOver(run, run.processes[p])) {
      const OrderView view(run.processes[p], static_cast<Index>(p));
      ReaderWriterJudge(run, view, &content, &groups).Judge(false, findings);
    }
  }
  if (!run.over) {
    return;
  }
  const Lineage lineage(run);
  for (const std::vector<Index>& sharing : ProcessesThatShare(run, lineage)) {
    const OrderView view(run, sharing, lineage);
    ReaderWriterJudge(run, view, &content, &groups).Judge(true, findings);
  }
}

}  // namespace gordian::analyze
