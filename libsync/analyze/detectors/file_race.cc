// file-race: two threads, of one process or of two, read a file and then rewrite it, and each had read it
// before the other wrote. Whoever writes last undoes what the other wrote.
//
// Reported is only what overlapped in time: from the open for reading to the call that rewrote the file. A
// lock around both, of whatever kind and seen or not, a pipe, a wait, any order at all keeps two such
// stretches apart, so none of that can raise a false alarm. What overlapped and is no lost update: both wrote
// under a common lock (who reads again under the lock may have read before it), both renamed the same
// exclusively created file onto the target (a lock file), or one is a child that began and ended within the
// other's stretch.
#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "libsync/analyze/content.h"
#include "libsync/analyze/detectors/detectors.h"
#include "libsync/analyze/finding_builder.h"
#include "libsync/analyze/lookup.h"

namespace gordian::analyze {
namespace {

using trace::FileInterval;
using trace::FileUpdate;

// Pairs of updates of one file that are looked at.
constexpr size_t kMostUpdatesOfFile = 256;

struct Use {
  Index process = kNoIndex;
  const FileUpdate* update = nullptr;
};

struct Overlap {
  Use a;
  Use b;
  FileInterval of_a{};
  FileInterval of_b{};
};

bool Overlaps(const FileInterval& a, const FileInterval& b) {
  return a.read_ns < b.write_ns && b.read_ns < a.write_ns;
}

bool Within(uint64_t start, uint64_t end, const FileInterval& outer) {
  return start >= outer.read_ns && end != 0 && end <= outer.write_ns;
}

// A semaphore that nobody ever gave back himself is a signal: both may have passed it.
bool Protects(const trace::Lock& lock) { return IsFileLock(lock) || IsOwned(lock); }

class FileRaceJudge {
 public:
  FileRaceJudge(const trace::Run& run, std::vector<Finding>* findings)
      : run_(run), content_(run), findings_(findings), groups_(findings) {}

  void Judge();

 private:
  const trace::Process& ProcessOf(const Use& use) const {
    return run_.processes[static_cast<size_t>(use.process)];
  }
  bool SameActor(const Use& a, const Use& b) const;
  bool Exclude(const Use& a, const Use& b) const;
  bool SameLock(const Use& a, const trace::Holding& of_a, const Use& b, const trace::Holding& of_b) const;
  bool IsWithin(const Use& inner, const Use& outer, const FileInterval& stretch) const;
  bool FindOverlap(const Use& a, const Use& b, Overlap* overlap) const;
  std::string Key(const Overlap& overlap);
  Finding Build(const Overlap& overlap) const;

  const trace::Run& run_;
  Content content_;
  std::vector<Finding>* findings_;
  FindingGroups groups_;
};

// Images of one process come one after the other.
bool FileRaceJudge::SameActor(const Use& a, const Use& b) const {
  return a.process == b.process ? a.update->thread == b.update->thread : ProcessOf(a).pid == ProcessOf(b).pid;
}

bool FileRaceJudge::SameLock(const Use& a, const trace::Holding& of_a, const Use& b,
                             const trace::Holding& of_b) const {
  const trace::Lock* one = At(ProcessOf(a).locks, of_a.lock);
  const trace::Lock* other = At(ProcessOf(b).locks, of_b.lock);
  if (!Conflict(of_a.mode, of_b.mode) || one == nullptr || other == nullptr || !Protects(*one) ||
      !Protects(*other)) {
    return false;
  }
  if (a.process == b.process) {
    return of_a.lock == of_b.lock;
  }
  if (one->shared.has_value() && other->shared.has_value()) {
    const trace::SharedIdentity& x = *one->shared;
    const trace::SharedIdentity& y = *other->shared;
    // Of ranges of one file it is enough that both lock the file at all.
    return x.space == y.space && x.device == y.device && x.inode == y.inode &&
           (x.space == trace::SharedSpace::kFile || x == y);
  }
  // Shared between processes, but nobody knows with whom.
  return ((one->flags & other->flags) & trace::kProcessShared) != 0;
}

bool FileRaceJudge::Exclude(const Use& a, const Use& b) const {
  const bool lock_file = a.update->way == trace::FileWay::kReplaced &&
                         b.update->way == trace::FileWay::kReplaced && !a.update->source.empty() &&
                         a.update->source == b.update->source &&
                         (a.update->flags & b.update->flags & trace::kSourceExclusive) != 0;
  if (lock_file) {
    return true;
  }
  for (const trace::Holding& of_a : a.update->held) {
    for (const trace::Holding& of_b : b.update->held) {
      if (SameLock(a, of_a, b, of_b)) {
        return true;
      }
    }
  }
  return false;
}

// The inner one's thread or process was made by the outer one, and was over again, while the outer one had
// read and not yet written: it did so on the outer one's behalf.
bool FileRaceJudge::IsWithin(const Use& inner, const Use& outer, const FileInterval& stretch) const {
  const trace::Process& process = ProcessOf(inner);
  if (inner.process == outer.process) {
    const trace::Thread* thread = At(process.threads, inner.update->thread);
    return thread != nullptr && thread->creator == outer.update->thread &&
           Within(thread->start_ns, thread->finish_ns, stretch);
  }
  int32_t ancestor = process.ppid;
  for (int steps = 0; steps < 64 && ancestor != 0 && ancestor != ProcessOf(outer).pid; ++steps) {
    const auto parent = std::find_if(run_.processes.begin(), run_.processes.end(),
                                     [&](const trace::Process& other) { return other.pid == ancestor; });
    ancestor = parent == run_.processes.end() ? 0 : parent->ppid;
  }
  return ancestor == ProcessOf(outer).pid && Within(process.start_ns, process.end_ns, stretch);
}

bool FileRaceJudge::FindOverlap(const Use& a, const Use& b, Overlap* overlap) const {
  for (const FileInterval& of_a : a.update->intervals) {
    for (const FileInterval& of_b : b.update->intervals) {
      if (Overlaps(of_a, of_b) && !IsWithin(a, b, of_b) && !IsWithin(b, a, of_a)) {
        const bool a_first = of_a.read_ns <= of_b.read_ns;
        *overlap = a_first ? Overlap{a, b, of_a, of_b} : Overlap{b, a, of_b, of_a};
        return true;
      }
    }
  }
  return false;
}

std::string FileRaceJudge::Key(const Overlap& overlap) {
  std::vector<std::string> sides;
  for (const Use& use : {overlap.a, overlap.b}) {
    sides.push_back(absl::StrCat(content_.Stack(use.process, use.update->read_stack), "|",
                                 content_.Stack(use.process, use.update->write_stack)));
  }
  std::sort(sides.begin(), sides.end());
  return absl::StrCat(sides[0], "\n", sides[1]);
}

Finding FileRaceJudge::Build(const Overlap& overlap) const {
  Finding finding;
  finding.rule = &RuleById("file-race");
  // A file replaced as a whole by both may be a cache, which anybody can make again.
  const bool maybe_cache = overlap.a.update->way == trace::FileWay::kReplaced &&
                           overlap.b.update->way == trace::FileWay::kReplaced;
  finding.level = maybe_cache ? Level::kWarning : finding.rule->level;
  finding.confidence = finding.rule->confidence;
  const auto stack_at = [&](const Use& use, Index stack) {
    return At(ProcessOf(use).stacks, stack) != nullptr ? StackAt{use.process, stack} : StackAt{};
  };
  for (const Use& use : {overlap.a, overlap.b}) {
    ThreadPart part;
    part.process = use.process;
    part.thread = use.update->thread;
    part.role = use.update->way == trace::FileWay::kReplaced ? "read it and replaced it"
                                                             : "read it and wrote it anew";
    part.at = stack_at(use, use.update->write_stack);
    if (const trace::Thread* thread = At(ProcessOf(use).threads, use.update->thread); thread != nullptr) {
      part.created = stack_at(use, thread->create_stack);
    }
    finding.threads.push_back(std::move(part));
    finding.identity.push_back(stack_at(use, use.update->read_stack));
    finding.identity.push_back(stack_at(use, use.update->write_stack));
  }
  const auto add_step = [&](int thread, const Use& use, const char* action, Index stack) {
    finding.interleaving.push_back({thread, action, -1, stack_at(use, stack)});
  };
  const bool a_writes_first = overlap.of_a.write_ns <= overlap.of_b.write_ns;
  add_step(0, overlap.a, "opens it to read", overlap.a.update->read_stack);
  add_step(1, overlap.b, "opens it to read", overlap.b.update->read_stack);
  const int first = a_writes_first ? 0 : 1;
  const Use& early = a_writes_first ? overlap.a : overlap.b;
  const Use& late = a_writes_first ? overlap.b : overlap.a;
  add_step(first, early, "rewrites it", early.update->write_stack);
  add_step(1 - first, late, "rewrites it", late.update->write_stack);

  const std::string& path = overlap.a.update->path;
  finding.title = absl::StrCat("Lost update: {thread:0} and {thread:1} rewrite ", path,
                               ", each from what it had read before the other wrote");
  finding.explanation = absl::StrCat("{thread:0} and {thread:1} both opened ", path,
                                     " for reading before either had rewritten it, and then ", "both did. ",
                                     ThreadName(1 - first), " came last: what ", ThreadName(first),
                                     " wrote in between is gone, unless it happened to be the same. No lock "
                                     "was held over both the read and ",
                                     "the write, and nothing makes the one wait for the other.");
  finding.fix =
      "Take a lock before the file is read and keep it until it is written: flock() on a lock file beside it "
      "between processes, a mutex between threads. Reading again under the lock, right before writing, also "
      "helps; replacing the file by rename() alone does not.";
  finding.conditions.push_back(
      {"overlap", true,
       absl::StrCat("{thread:1} read ", (overlap.of_b.read_ns - overlap.of_a.read_ns) / 1000,
                    " microseconds after {thread:0}, and before it wrote")});
  finding.conditions.push_back(
      {"no-common-lock", true, "there is no lock that both held when they rewrote the file"});
  return finding;
}

void FileRaceJudge::Judge() {
  // By path, and where the file stays the same one, by what it is: one may be called by several names.
  std::map<std::string, std::vector<Use>> files;
  for (size_t p = 0; p < run_.processes.size(); ++p) {
    if (!IsOver(run_, run_.processes[p])) {
      continue;
    }
    for (const FileUpdate& update : run_.processes[p].file_updates) {
      if (!update.path.empty()) {
        files[absl::StrCat("path ", update.path)].push_back({static_cast<Index>(p), &update});
      }
      if (update.way == trace::FileWay::kEmptied) {
        files[absl::StrCat("inode ", update.device, " ", update.inode)].push_back(
            {static_cast<Index>(p), &update});
      }
    }
  }
  for (const auto& [name, uses] : files) {
    const size_t count = std::min(uses.size(), kMostUpdatesOfFile);
    for (size_t a = 0; a < count; ++a) {
      for (size_t b = a + 1; b < count; ++b) {
        const bool by_both_names = name[0] == 'i' && uses[a].update->path == uses[b].update->path;
        Overlap overlap;
        if (!by_both_names && !SameActor(uses[a], uses[b]) && !Exclude(uses[a], uses[b]) &&
            FindOverlap(uses[a], uses[b], &overlap) && !groups_.Again(Key(overlap))) {
          findings_->push_back(Build(overlap));
        }
      }
    }
  }
}

}  // namespace

void JudgeFileRace(const trace::Run& run, const Options& /*options*/, std::vector<Finding>* findings) {
  FileRaceJudge(run, findings).Judge();
}

}  // namespace gordian::analyze
