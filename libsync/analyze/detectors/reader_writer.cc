// reader-writer-starve: a thread reads a lock again that it reads already, and the lock lets waiting writers
// go first. A writer that comes between waits for the reader, and the reader for the writer. Judged when a
// process is over, because a writer may come later.
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
#include "libsync/analyze/lookup.h"
#include "libsync/analyze/wait_for_graph.h"

namespace gordian::analyze {
namespace {

using trace::Dependency;
using trace::Mode;

class ReaderWriterJudge {
 public:
  ReaderWriterJudge(const trace::Run& run, std::vector<Finding>* findings)
      : run_(run), content_(run), findings_(findings), groups_(findings) {}

  void Judge(Index process);

 private:
  const trace::Holding* ReadBefore(const Dependency& dependency) const;
  const Dependency* WriterAgainst(const Dependency& reader);
  std::string Key(const Dependency& reader, const trace::Holding& first);
  Finding Build(const Dependency& reader, const trace::Holding& first, const Dependency& writer) const;

  const trace::Run& run_;
  Content content_;
  std::vector<Finding>* findings_;
  FindingGroups groups_;
  const trace::Process* process_ = nullptr;
  Index index_ = kNoIndex;
  // Of one process, made when the first candidate comes.
  std::unique_ptr<Gates> gates_;
  std::unique_ptr<HappensBefore> order_;
  absl::flat_hash_map<Index, std::vector<const Dependency*>> writers_;
};

// How the thread read the lock already when it came to read it again.
const trace::Holding* ReaderWriterJudge::ReadBefore(const Dependency& dependency) const {
  const trace::Lock* lock = At(process_->locks, dependency.lock);
  if (lock == nullptr || lock->kind != trace::LockKind::kWriterRwlock || !IsReportable(*lock) ||
      dependency.mode != Mode::kShared || At(process_->threads, dependency.thread) == nullptr) {
    return nullptr;
  }
  const auto held = std::find_if(dependency.held.begin(), dependency.held.end(),
                                 [&dependency](const trace::Holding& holding) {
                                   return holding.lock == dependency.lock && holding.mode == Mode::kShared;
                                 });
  return held != dependency.held.end() ? &*held : nullptr;
}

// Somebody else who wants to write at a time when the reader can be between its two reads.
const Dependency* ReaderWriterJudge::WriterAgainst(const Dependency& reader) {
  if (gates_ == nullptr) {
    gates_ = std::make_unique<Gates>(*process_);
    order_ = std::make_unique<HappensBefore>(*process_);
    for (const Dependency& dependency : process_->dependencies) {
      if (dependency.mode == Mode::kExclusive && At(process_->threads, dependency.thread) != nullptr) {
        writers_[dependency.lock].push_back(&dependency);
      }
    }
  }
  const Gates::SetId gates = gates_->Intern(reader.thread, reader.held);
  for (const Dependency* writer : writers_[reader.lock]) {
    const bool holds_it =
        std::any_of(writer->held.begin(), writer->held.end(),
                    [&reader](const trace::Holding& holding) { return holding.lock == reader.lock; });
    if (writer->thread != reader.thread && !holds_it &&
        gates_->Common(gates, gates_->Intern(writer->thread, writer->held)) == kNoIndex &&
        order_->MayOverlap(reader, *writer)) {
      return writer;
    }
  }
  return nullptr;
}

std::string ReaderWriterJudge::Key(const Dependency& reader, const trace::Holding& first) {
  return absl::StrCat(content_.LockClass(index_, reader.lock), "|", content_.Stack(index_, first.stack), "|",
                      content_.Stack(index_, reader.stack));
}

Finding ReaderWriterJudge::Build(const Dependency& reader, const trace::Holding& first,
                                 const Dependency& writer) const {
  FindingBuilder builder("reader-writer-starve", run_, index_);
  Finding& finding = builder.finding();
  const int reads = builder.AddThread(reader.thread);
  const int writes = builder.AddThread(writer.thread);
  const int lock = builder.AddLock(reader.lock);
  builder.AddHeld(reads, first);
  const auto wait = [&](int part, const Dependency& dependency) {
    WaitPart& waits = finding.threads[static_cast<size_t>(part)].waits;
    waits.kind = trace::WaitKind::kLock;
    waits.lock = lock;
    waits.stack = builder.Stack(dependency.stack);
  };
  wait(reads, reader);
  wait(writes, writer);
  finding.threads[static_cast<size_t>(writes)].role = "a writer that comes between";
  builder.AddStep(reads, "lock shared", lock, first.stack);
  builder.AddStep(writes, "queues to write", lock, writer.stack);
  builder.AddStep(reads, "blocks on", lock, reader.stack);
  builder.AddIdentity(first.stack);
  builder.AddIdentity(reader.stack);
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
  builder.AddCondition(kDistinctThreads, "another thread writes");
  builder.AddCondition(kNoCommonGate, "no lock that both hold keeps the writer out between the two reads");
  builder.AddCondition(kMayOverlap, "no creation and no join of a thread puts one before the other");
  builder.AddCondition(kCanBlock, "none of the waits is a try or has a timeout");
  return std::move(finding);
}

void ReaderWriterJudge::Judge(Index process) {
  index_ = process;
  process_ = &run_.processes[static_cast<size_t>(process)];
  gates_.reset();
  writers_.clear();
  absl::flat_hash_set<Index> hung;  // the hang itself is reported as what it is
  for (const Stall& stall : FindStalls(*process_)) {
    for (const Index thread : stall.threads) {
      hung.insert(AwaitedLock(process_->threads[static_cast<size_t>(thread)].wait));
    }
  }
  for (const Dependency& reader : process_->dependencies) {
    const trace::Holding* first = ReadBefore(reader);
    if (first == nullptr || hung.contains(reader.lock)) {
      continue;
    }
    const Dependency* writer = WriterAgainst(reader);
    if (writer != nullptr && !groups_.Again(Key(reader, *first))) {
      findings_->push_back(Build(reader, *first, *writer));
    }
  }
}

}  // namespace

void JudgeReaderWriter(const trace::Run& run, const Options& /*options*/, std::vector<Finding>* findings) {
  ReaderWriterJudge judge(run, findings);
  for (size_t p = 0; p < run.processes.size(); ++p) {
    if (IsOver(run, run.processes[p])) {
      judge.Judge(static_cast<Index>(p));
    }
  }
}

}  // namespace gordian::analyze
