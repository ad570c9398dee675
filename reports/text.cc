// The text report: verdict first, evidence second, raw facts last.
#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "reports/coverage.h"
#include "reports/frames.h"
#include "reports/merge.h"
#include "reports/profile.h"
#include "reports/report.h"
#include "reports/snapshot.h"
#include "reports/text_frames.h"
#include "reports/text_interleaving.h"
#include "reports/text_known.h"
#include "reports/text_style.h"

namespace gordian::report {
namespace {

// A reader takes in so many findings; the rest follow as one line each, and then as a number.
constexpr int kFullFindings = 20;
constexpr int kNotesOfALine = 100;
constexpr size_t kFullPlaces = 4;
constexpr size_t kStackFrames = 12;
constexpr size_t kVerboseStackFrames = 64;

Tone ToneOf(const std::string& level) {
  return level == "error" ? Tone::kError : level == "warning" ? Tone::kWarning : Tone::kNote;
}

// Behind the name of a lock.
const char* SharedText(const std::string& mode) { return mode == "shared" ? " (shared)" : ""; }

// Writes one finding. The finding is printable already.
class FindingWriter {
 public:
  FindingWriter(const ReportFinding& finding, const TextOptions& options)
      : finding_(finding), options_(options) {}

  // What else is known of a finding that was printed while the program ran.
  std::string WriteMore(const std::vector<ReportPlace>& new_places) {
    out_ = Wrap(absl::StrCat("MORE ", finding_.rule, " [", finding_.fingerprint, "]: "), 2,
                absl::StrCat("reported above; in all ", Times()), options_);
    return absl::StrCat(out_, Places(new_places));
  }

  std::string Write() {
    Headline();
    Paragraph(finding_.explanation);
    Parts();
    Interleaving();
    Conditions();
    Behind();
    out_ += Places(finding_.places);
    Blank();
    Field("Fix", finding_.fix);
    Field("Fingerprint", finding_.fingerprint);
    CopyField("Suppress", finding_.suppression);
    return std::move(out_);
  }

  // The threads, processes and locks, with their stacks.
  std::string Evidence() {
    Parts();
    return std::move(out_);
  }

 private:
  void Parts() {
    for (const ReportThread& thread : finding_.threads) {
      if (!IsBystander(thread)) {
        Thread(thread);
      }
    }
    for (const ReportProcess& process : finding_.processes) {
      Process(process);
    }
    for (const ReportLock& lock : finding_.locks) {
      Lock(lock);
    }
  }

  bool Verbose() const { return options_.verbosity > 0; }
  bool Confirmed() const { return finding_.confidence == "confirmed"; }

  void Blank() { out_ += "\n"; }

  void Headline() {
    const std::string level = absl::AsciiStrToUpper(finding_.level);
    const std::string start = absl::StrCat(level, " ", finding_.rule, " (", finding_.confidence, "): ");
    const std::string here = finding_.places.empty()
                                 ? ""
                                 : absl::StrCat(", ", finding_.places.front().count, " of them at this one");
    const std::string times = finding_.count > 1 ? absl::StrCat(" [", Times(), here, "]") : "";
    std::string text = Wrap(start, 2, finding_.title + times, options_);
    text.replace(0, level.size(), Paint(level, ToneOf(finding_.level), options_.color));
    out_ += text;
  }

  void Paragraph(const std::string& text) {
    if (!text.empty() && text != finding_.title) {
      out_ += Wrap("  ", 2, text, options_);
    }
  }

  void Field(const std::string& name, const std::string& text) {
    if (!text.empty()) {
      constexpr size_t indent = 15;
      const std::string label = absl::StrCat("  ", name, std::string(indent - 2 - name.size(), ' '));
      std::string wrapped = Wrap(label, indent, text, options_);
      wrapped.replace(2, name.size(), Paint(name, Tone::kBold, options_.color));
      out_ += wrapped;
    }
  }

  // One line, however long: it is to be copied.
  void CopyField(const std::string& name, const std::string& text) {
    if (!text.empty()) {
      absl::StrAppend(&out_, "  ", Paint(name, Tone::kBold, options_.color),
                      std::string(13 - name.size(), ' '), text, "\n");
    }
  }

  void Section(const std::string& name, const std::vector<std::string>& lines) {
    if (lines.empty()) {
      return;
    }
    absl::StrAppend(&out_, "\n  ", Paint(name, Tone::kBold, options_.color), "\n");
    for (const std::string& line : lines) {
      out_ += Wrap("    ", 6, line, options_);
    }
  }

  // The frames of a stack; where it happened is marked. A stack that ends like the one
  // above it says so instead of repeating it.
  void Stack(const Frames& stack) {
    const Frames frames = Verbose() ? stack : ShownFrames(stack);
    size_t same = 0;
    while (same + 1 < frames.size() && same < above_.size() &&
           SameFrame(frames[frames.size() - 1 - same], above_[above_.size() - 1 - same])) {
      ++same;
    }
    same = same < 2 || Verbose() ? 0 : same;
    const size_t shown = std::min(frames.size() - same, Verbose() ? kVerboseStackFrames : kStackFrames);
    const size_t place = PlaceIn(frames);
    for (size_t i = 0; i < shown; ++i) {
      const std::string mark = i == place ? Paint(">", Tone::kMark, options_.color) : " ";
      absl::StrAppend(&out_, "    ", mark, " #", i, " ", FrameText(frames[i], options_), "\n");
    }
    if (shown < frames.size()) {
      const std::string rest = same > 0 && shown + same == frames.size() ? "as above" : "more";
      absl::StrAppend(&out_, "      ... ", frames.size() - shown, " frames ", rest, "\n");
    }
    above_ = frames;
  }

  static bool SameFrame(const SourceFrame& a, const SourceFrame& b) {
    return a.function == b.function && a.file == b.file && a.line == b.line && a.module == b.module;
  }

  void Stack(const std::string& title, const Frames& stack) {
    if (stack.empty()) {
      absl::StrAppend(&out_, "    ", title, " at an unknown place\n");
    } else {
      out_ += Wrap("    ", 6, title + " at", options_);
      Stack(stack);
    }
  }

  std::string WaitText(const ReportWait& wait) const {
    const std::string lock = LockName(finding_, wait.target);
    if (wait.kind == "lock") {
      return absl::StrCat(Confirmed() ? "waits for " : "then locks ", lock, SharedText(wait.mode));
    }
    if (wait.kind == "condition") {
      return absl::StrCat(Confirmed() ? "waits on " : "then waits on ", lock);
    }
    if (!wait.note.empty()) {
      return absl::StrCat("is in ", wait.note);
    }
    if (wait.kind == "barrier") {
      return absl::StrCat("waits at ", lock);
    }
    std::string target = wait.target;
    for (const ReportThread& thread : finding_.threads) {
      target = thread.id == wait.target ? absl::StrCat(thread.id, " ", thread.name) : target;
    }
    return absl::StrCat(Confirmed() ? "waits for " : "then waits for ", target, " to end");
  }

  void Thread(const ReportThread& thread) {
    above_.clear();
    Blank();
    const std::string role = thread.role.empty() ? "" : absl::StrCat(": ", thread.role);
    out_ += Paint(absl::StrCat("  ", thread.id, " ", thread.name), Tone::kBold, options_.color);
    absl::StrAppend(&out_, role, "\n");
    for (const ReportHeld& held : thread.holds) {
      Stack(absl::StrCat("holds ", LockName(finding_, held.lock), SharedText(held.mode), ", locked"),
            held.stack);
    }
    if (!thread.waits.kind.empty()) {
      Stack(WaitText(thread.waits), thread.waits.stack);
    }
    if (!thread.at.empty()) {
      absl::StrAppend(&out_, "    at\n");
      Stack(thread.at);
    }
    const bool only_created = thread.holds.empty() && thread.waits.kind.empty() && thread.at.empty();
    if (!thread.created.empty() && (only_created || Verbose())) {
      Stack("created", thread.created);
    } else if (!thread.created.empty()) {
      absl::StrAppend(&out_, "    created at ", FrameText(TopFrame(thread.created), options_), "\n");
    }
  }

  void Process(const ReportProcess& process) {
    above_.clear();
    Blank();
    const std::string state = process.state.empty() ? "" : absl::StrCat(": ", process.state);
    const bool says_more = !process.ended.empty() && process.ended != process.state;
    const std::string ended = says_more ? absl::StrCat(", ", process.ended) : "";
    const std::string parent = process.ppid > 0 ? absl::StrCat(" (parent ", process.ppid, ")") : "";
    out_ += Wrap("  ", 4, absl::StrCat("pid ", process.pid, " ", process.command, state, ended, parent),
                 options_);
    if (!process.created.empty()) {
      const std::string how = process.created_how.empty() ? "" : absl::StrCat(" by ", process.created_how);
      Stack(absl::StrCat("created", how), process.created);
    }
  }

  void Lock(const ReportLock& lock) {
    if (lock.created.empty() && !Verbose()) {
      return;
    }
    above_.clear();
    Blank();
    out_ += Wrap("  ", 4,
                 absl::StrCat(lock.id, " ", lock.name, ": ", lock.kind,
                              Verbose() ? absl::StrCat(" at 0x", absl::Hex(lock.address)) : ""),
                 options_);
    if (!lock.created.empty()) {
      Stack("created", lock.created);
    }
  }

  // The evidence of each place but the one that the finding shows itself.
  std::string Places(const std::vector<ReportPlace>& places) {
    std::string out;
    size_t others = 0;
    for (const ReportPlace& place : places) {
      if (!IsShownPlace(place, finding_) && ++others <= (Verbose() ? places.size() : kFullPlaces)) {
        out += PlaceText(place);
      }
    }
    if (others > kFullPlaces && !Verbose()) {
      absl::StrAppend(&out, "\n  ... and ", Plural(others - kFullPlaces, "more place", "more places"),
                      ": --json has them all\n");
    }
    return out;
  }

  std::string PlaceText(const ReportPlace& place) const {
    ReportFinding at_place;
    at_place.confidence = finding_.confidence;
    at_place.locks = place.locks;
    at_place.threads = place.threads;
    at_place.processes = place.processes;
    const std::string title = absl::StrCat("Another place, ", Plural(place.count, "time", "times"));
    std::string heading = Wrap(absl::StrCat("\n  ", title, ": "), 4, place.title, options_);
    heading.replace(3, title.size(), Paint(title, Tone::kBold, options_.color));
    return heading + FindingWriter(at_place, options_).Evidence();
  }

  std::string Times() const {
    const std::string times = Plural(finding_.count, "time", "times");
    return finding_.places.empty() ? times : absl::StrCat(times, " at ", finding_.places.size(), " places");
  }

  void Interleaving() {
    const std::string steps = InterleavingText(finding_, options_);
    if (!steps.empty()) {
      const bool hangs = std::any_of(finding_.threads.begin(), finding_.threads.end(),
                                     [](const ReportThread& thread) { return !thread.waits.kind.empty(); });
      const char* title = Confirmed() ? (hangs ? "How it hung" : "What happened")
                                      : (hangs ? "How it would hang" : "How it would happen");
      absl::StrAppend(&out_, "\n  ", Paint(title, Tone::kBold, options_.color), "\n", steps);
    }
  }

  // Stuck, but no part of what it is stuck behind: one line is enough.
  bool IsBystander(const ReportThread& thread) const {
    const auto& steps = finding_.interleaving;
    return !Verbose() && !finding_.behind.empty() && !steps.empty() && !thread.waits.stack.empty() &&
           std::none_of(steps.begin(), steps.end(),
                        [&thread](const ReportStep& step) { return step.thread == thread.id; });
  }

  void Behind() {
    std::vector<std::string> lines;
    for (const ReportThread& thread : finding_.threads) {
      if (IsBystander(thread)) {
        lines.push_back(absl::StrCat(thread.name, " ", WaitText(thread.waits), " at ",
                                     FrameText(TopFrame(thread.waits.stack), options_)));
      }
    }
    Section("Stuck behind it", lines.size() >= finding_.behind.size() ? lines : finding_.behind);
  }

  void Conditions() {
    std::vector<std::string> lines;
    for (const ReportCondition& condition : finding_.conditions) {
      lines.push_back(absl::StrCat(condition.holds ? "+ " : "- ", condition.name,
                                   condition.because.empty() ? "" : ": ", condition.because));
    }
    Section(Confirmed() ? "Why this is certain" : "Why it can happen", lines);
  }

  const ReportFinding& finding_;
  const TextOptions& options_;
  std::string out_;
  Frames above_;  // the stack printed last for this thread
};

// As it was printed while the program ran; null: it was not.
const ReportFinding* Printed(const ReportFinding& finding, const TextOptions& options) {
  const auto found =
      std::find_if(options.printed_before.begin(), options.printed_before.end(),
                   [&](const ReportFinding& printed) { return printed.fingerprint == finding.fingerprint; });
  return found == options.printed_before.end() ? nullptr : &*found;
}

// What came to a finding after it was printed; empty: nothing.
std::string MoreText(const ReportFinding& finding, const ReportFinding& printed, const TextOptions& options) {
  if (finding.count <= printed.count) {
    return "";
  }
  std::vector<ReportPlace> new_places;
  for (const ReportPlace& place : finding.places) {
    const auto is_same = [&place](const ReportPlace& known) {
      return PlaceKey(known.threads, known.processes) == PlaceKey(place.threads, place.processes);
    };
    if (!IsShownPlace(place, printed) &&
        std::none_of(printed.places.begin(), printed.places.end(), is_same)) {
      new_places.push_back(place);
    }
  }
  return FindingWriter(finding, options).WriteMore(new_places);
}

std::string OneLine(const ReportFinding& finding, const TextOptions& options) {
  const std::string level = absl::AsciiStrToUpper(finding.level);
  const std::optional<SourceFrame> place = FirstPlace(finding);
  std::string text =
      Wrap(absl::StrCat(level, " ", finding.rule, ": "), 2,
           absl::StrCat(finding.title, place ? absl::StrCat(" at ", ShortPlace(*place)) : ""), options);
  return text.replace(0, level.size(), Paint(level, ToneOf(finding.level), options.color));
}

// As compilers tell of an error, so that what reads theirs reads ours.
std::string ShortLine(const ReportFinding& finding) {
  const std::optional<SourceFrame> place = FirstPlace(finding);
  return absl::StrCat(place ? PlaceText(*place) : "?", ": ", finding.level, ": ", finding.rule, ": ",
                      finding.title, " [", finding.fingerprint, "]\n");
}

bool InFull(const ReportFinding& finding, const TextOptions& options) {
  return finding.level != "note" || options.verbosity > 0;
}

// Which locks, where, and what keeps them apart.
std::string NearMissText(const ReportFinding& near_miss, const TextOptions& options) {
  std::vector<std::string> places;
  for (const ReportThread& thread : near_miss.threads) {
    if (!thread.waits.stack.empty()) {
      places.push_back(ShortPlace(TopFrame(thread.waits.stack)));
    }
  }
  std::string out =
      Wrap("NEAR MISS: ", 2,
           absl::StrCat(near_miss.title, places.empty() ? "" : " at ", absl::StrJoin(places, ", "),
                        near_miss.count > 1 ? absl::StrCat(" [", near_miss.count, " times]") : ""),
           options);
  for (const ReportCondition& condition : near_miss.conditions) {
    out += Wrap("  - ", 4, absl::StrCat(condition.name, ": ", condition.because), options);
  }
  return out;
}

std::string NearMissesText(const std::vector<ReportFinding>& near_misses, const TextOptions& options) {
  std::string out;
  for (const ReportFinding& near_miss : near_misses) {
    out += NearMissText(near_miss, options);
  }
  return out.empty() ? "No near misses: no other cycle of lock orders was seen\n\n" : out + "\n";
}

std::string CoverageText(const Report& report, const TextOptions& options) {
  std::string out;
  for (const std::string& sentence : report.coverage.unseen) {
    out += Wrap("Coverage: ", 10, sentence, options);
  }
  if (options.verbosity > 0) {
    out += absl::StrCat("Coverage: ", Plural(report.coverage.events, "fact", "facts"), " recorded, ",
                        report.coverage.dropped, " dropped\n");
  }
  return out;
}

std::string FindingText(const ReportFinding& finding, const TextOptions& options) {
  if (options.format == TextFormat::kShort) {
    return ShortLine(finding);
  }
  return InFull(finding, options) ? FindingWriter(finding, options).Write() : OneLine(finding, options);
}

}  // namespace

std::string FindingToText(const ReportFinding& finding, const TextOptions& options) {
  return FindingText(PrintableFinding(finding), options);
}

std::string SummaryLine(const Report& report, const TextOptions& options) {
  const ReportCoverage& coverage = report.coverage;
  const bool shows_gaps = options.verbosity >= 0 && options.format == TextFormat::kFull;
  const ReportSummary summary = report.Summary();
  return absl::StrCat(
      "gordian: ", Plural(summary.errors, "error", "errors"), ", ",
      Plural(summary.warnings, "warning", "warnings"), ", ", Plural(summary.notes, "note", "notes"), " in ",
      Plural(coverage.processes, "process", "processes"), ", ", Plural(coverage.threads, "thread", "threads"),
      " (exit ", options.exit_code.has_value() ? absl::StrCat(*options.exit_code) : "unknown", ")",
      shows_gaps || coverage.unseen.empty() ? "" : "; coverage is not complete", KnownCounts(summary), "\n");
}

std::string ToText(const Report& raw, const TextOptions& options) {
  if (options.verbosity < 0) {
    return SummaryLine(raw, options);
  }
  const Report report = PrintableReport(raw);
  std::string out;
  if (options.format == TextFormat::kShort) {
    for (const ReportFinding& finding : report.findings) {
      const bool is_news = finding.status == "new" && Printed(finding, options) == nullptr;
      out += is_news ? ShortLine(finding) : "";
    }
    return out + SummaryLine(raw, options);
  }
  int full = 0;
  int notes = 0;
  for (const ReportFinding& finding : report.findings) {
    if (finding.status != "new") {
      continue;
    }
    if (const ReportFinding* printed = Printed(finding, options); printed != nullptr) {
      out += MoreText(finding, *printed, options);
    } else if (InFull(finding, options) && (full < kFullFindings || options.verbosity > 0)) {
      ++full;
      absl::StrAppend(&out, FindingText(finding, options), "\n");
    } else if (finding.level != "note" || ++notes <= kNotesOfALine) {
      out += OneLine(finding, options);
    }
  }
  if (notes > kNotesOfALine) {
    absl::StrAppend(&out, "... and ", notes - kNotesOfALine, " more notes: --json has them all\n");
  }
  if (report.near_misses.has_value()) {
    out += NearMissesText(*report.near_misses, options);
  }
  out += KnownText(report, options);
  if (!options.next_steps.empty() && !report.findings.empty()) {
    absl::StrAppend(&out, options.next_steps, "\n");
  }
  return absl::StrCat(out, ProfileText(report, options), SnapshotText(report, options),
                      CoverageText(report, options), SummaryLine(report, options));
}

}  // namespace gordian::report
