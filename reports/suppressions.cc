#include "reports/suppressions.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "libsync/analyze/detector.h"
#include "reports/demangle.h"
#include "reports/frames.h"
#include "reports/glob.h"
#include "reports/text_style.h"

namespace gordian::report {
namespace {

constexpr std::string_view kUntil = "until=";
constexpr std::string_view kThen = " -> ";
constexpr size_t kFingerprintDigits = 16;

constexpr std::pair<std::string_view, NamesOf> kKinds[] = {
    {"lock", NamesOf::kLock},     {"function", NamesOf::kFunction}, {"file", NamesOf::kFile},
    {"module", NamesOf::kModule}, {"program", NamesOf::kProgram},   {"stack", NamesOf::kStack}};

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\r'; }

std::string_view Trim(std::string_view text) {
  while (!text.empty() && IsSpace(text.front())) {
    text.remove_prefix(1);
  }
  while (!text.empty() && IsSpace(text.back())) {
    text.remove_suffix(1);
  }
  return text;
}

// 0 where this is no number.
int ToNumber(std::string_view digits) {
  int number = 0;
  for (const char c : digits) {
    if (c < '0' || c > '9') {
      return 0;
    }
    number = number * 10 + (c - '0');
  }
  return number;
}

// The pieces of a text between separators.
std::vector<std::string_view> Split(std::string_view text, std::string_view separator) {
  std::vector<std::string_view> pieces;
  for (size_t at = 0; (at = text.find(separator)) != std::string_view::npos;) {
    pieces.push_back(text.substr(0, at));
    text.remove_prefix(at + separator.size());
  }
  pieces.push_back(text);
  return pieces;
}

bool IsDate(std::string_view text) {
  constexpr std::array<int, 12> days = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') {
    return false;
  }
  const int month = ToNumber(text.substr(5, 2));
  const int day = ToNumber(text.substr(8, 2));
  return ToNumber(text.substr(0, 4)) > 0 && month >= 1 && month <= 12 && day >= 1 &&
         day <= days[static_cast<size_t>(month) - 1];
}

bool IsFingerprint(std::string_view text) {
  return text.size() == kFingerprintDigits && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

bool IsRule(std::string_view glob) {
  const auto rules = analyze::Rules();
  return std::any_of(rules.begin(), rules.end(),
                     [glob](const analyze::Rule& rule) { return MatchesGlob(glob, rule.id); });
}

// One line of a file. What it says stands in views of the line, so that a mistake has a column.
class LineParser {
 public:
  explicit LineParser(std::string_view line) : line_(line) {}

  // nullopt: nothing stands there, or there is a problem.
  std::optional<Suppression> Parse() {
    std::string_view body = TakeReason();
    if (body.empty()) {
      return std::nullopt;
    }
    suppression_.text = body;
    if (body.find('\0') != std::string_view::npos) {
      return Wrong(body.substr(body.find('\0')), "a NUL byte: this is no text");
    }
    const size_t colon = body.find(':');
    if (colon == std::string_view::npos) {
      return Wrong(body.substr(body.size()), "there is no ':'; write rule:pattern");
    }
    const std::string_view rule = Trim(body.substr(0, colon));
    if (!IsRule(rule)) {
      return Wrong(body,
                   absl::StrCat("there is no rule '", Printable(rule), "'; `gordian explain` lists them"));
    }
    suppression_.rule = rule;
    std::string_view pattern = Trim(body.substr(colon + 1));
    while (problem_.empty() && TakeLastWord(&pattern)) {
    }
    if (problem_.empty() && pattern.empty() && suppression_.fingerprint.empty()) {
      return Wrong(body.substr(colon + 1), "the pattern is empty; * is any finding of the rule");
    }
    TakePattern(pattern);
    return problem_.empty() ? std::optional(std::move(suppression_)) : std::nullopt;
  }

  // "COLUMN: what is wrong"; empty: nothing.
  const std::string& problem() const { return problem_; }

 private:
  std::nullopt_t Wrong(std::string_view where, const std::string& what) {
    problem_ = absl::StrCat(where.data() - line_.data() + 1, ": ", what);
    return std::nullopt;
  }

  // A reason begins behind a blank: names have # in them.
  std::string_view TakeReason() {
    size_t hash = line_.find('#');
    while (hash != std::string_view::npos && hash != 0 && !IsSpace(line_[hash - 1])) {
      hash = line_.find('#', hash + 1);
    }
    if (hash == std::string_view::npos) {
      return Trim(line_);
    }
    std::string_view reason = Trim(line_.substr(hash + 1));
    std::string_view body = Trim(line_.substr(0, hash));
    if (!body.empty() && LastWord(reason).starts_with(kUntil)) {
      TakeLastWord(&reason);
    }
    suppression_.reason = reason;
    return body;
  }

  static std::string_view LastWord(std::string_view text) {
    size_t begin = text.size();
    while (begin > 0 && !IsSpace(text[begin - 1])) {
      --begin;
    }
    return text.substr(begin);
  }

  // False: the last word is none of those that have a meaning of their own.
  bool TakeLastWord(std::string_view* text) {
    const std::string_view word = LastWord(*text);
    if (word.starts_with(kUntil)) {
      suppression_.until = word.substr(kUntil.size());
      if (!IsDate(suppression_.until)) {
        Wrong(word.substr(kUntil.size()), "this is no day; write until=YYYY-MM-DD");
      }
    } else if (word.starts_with('@')) {
      suppression_.fingerprint = word.substr(1);
      if (!IsFingerprint(suppression_.fingerprint)) {
        Wrong(word, "this is no fingerprint (@ and 16 hexadecimal digits); write \\@ for a name");
      }
    } else {
      return false;
    }
    *text = Trim(text->substr(0, text->size() - word.size()));
    return true;
  }

  void TakePattern(std::string_view pattern) {
    for (const auto& [name, names_of] : kKinds) {
      if (pattern.starts_with(std::string(name) + '=')) {
        suppression_.names_of = names_of;
        pattern.remove_prefix(name.size() + 1);
        break;
      }
    }
    for (const std::string_view glob : Split(pattern, kThen)) {
      suppression_.globs.emplace_back(Trim(glob));
    }
  }

  std::string_view line_;
  Suppression suppression_;
  std::string problem_;
};

// What a finding is about, by kind of name.
class Facts {
 public:
  explicit Facts(const ReportFinding& finding) {
    Add(finding.locks, finding.threads, finding.processes);
    for (const ReportPlace& place : finding.places) {
      Add(place.locks, place.threads, place.processes);
    }
    AddPlace(finding.primary);
  }

  bool Fit(NamesOf names_of, const std::string& glob) const {
    switch (names_of) {
      case NamesOf::kAny:
        return Fits(locks_, glob) || Fits(functions_, glob) || FitsPath(files_, glob) ||
               FitsPath(modules_, glob) || Fits(programs_, glob);
      case NamesOf::kLock:
        return Fits(locks_, glob);
      case NamesOf::kFunction:
        return Fits(functions_, glob);
      case NamesOf::kFile:
        return FitsPath(files_, glob);
      case NamesOf::kModule:
        return FitsPath(modules_, glob);
      case NamesOf::kProgram:
        return Fits(programs_, glob);
      case NamesOf::kStack:
        return Fits(stack_functions_, glob);
    }
    return false;
  }

 private:
  using Names = std::vector<std::string>;

  static bool Fits(const Names& names, const std::string& glob) {
    return std::any_of(names.begin(), names.end(),
                       [&glob](const std::string& name) { return MatchesGlob(glob, name); });
  }

  // The end of a path is enough.
  static bool FitsPath(const Names& paths, const std::string& glob) {
    return Fits(paths, glob) || Fits(paths, "*/" + glob);
  }

  void Add(const std::vector<ReportLock>& locks, const std::vector<ReportThread>& threads,
           const std::vector<ReportProcess>& processes) {
    for (const ReportLock& lock : locks) {
      locks_.push_back(lock.name);
    }
    for (const ReportThread& thread : threads) {
      for (const ReportHeld& held : thread.holds) {
        AddStack(held.stack);
      }
      AddStack(thread.waits.stack);
      AddStack(thread.at);
      const bool only_created = thread.holds.empty() && thread.waits.stack.empty() && thread.at.empty();
      AddStack(only_created ? thread.created : Frames());
    }
    for (const ReportProcess& process : processes) {
      programs_.push_back(BaseName(process.command.substr(0, process.command.find(' '))));
      AddStack(process.created);
    }
  }

  void AddStack(const Frames& stack) {
    for (const SourceFrame& frame : stack) {
      AddFunction(frame.function, &stack_functions_);
    }
    if (!stack.empty()) {
      AddPlace(TopFrame(stack));
    }
  }

  void AddPlace(const SourceFrame& frame) {
    AddFunction(frame.function, &functions_);
    if (!frame.file.empty()) {
      files_.push_back(frame.file);
    }
    if (!frame.module.empty()) {
      modules_.push_back(frame.module);
    }
  }

  static void AddFunction(const std::string& function, Names* names) {
    if (function.empty()) {
      return;
    }
    names->push_back(function);
    std::string plain = WithoutTemplateArguments(function);
    if (plain != function) {
      names->push_back(std::move(plain));
    }
  }

  Names locks_, functions_, stack_functions_, files_, modules_, programs_;
};

bool FitsCycle(std::vector<std::string> globs, const std::vector<ReportLock>& locks) {
  if (globs.size() != locks.size()) {
    return false;
  }
  for (size_t turn = 0; turn < globs.size(); ++turn) {
    std::rotate(globs.begin(), globs.begin() + 1, globs.end());
    if (std::equal(
            globs.begin(), globs.end(), locks.begin(),
            [](const std::string& glob, const ReportLock& lock) { return MatchesGlob(glob, lock.name); })) {
      return true;
    }
  }
  return false;
}

bool Fits(const Suppression& suppression, const ReportFinding& finding, const Facts& facts) {
  if (!MatchesGlob(suppression.rule, finding.rule)) {
    return false;
  }
  if (!suppression.fingerprint.empty()) {
    return suppression.fingerprint == finding.fingerprint;
  }
  if (suppression.globs.size() > 1) {
    return FitsCycle(suppression.globs, finding.locks);
  }
  const std::string& glob = suppression.globs.front();
  return (suppression.names_of == NamesOf::kAny && glob == "*") || facts.Fit(suppression.names_of, glob);
}

std::string PlaceOf(const Suppression& suppression) {
  return absl::StrCat(suppression.file, ":", suppression.line);
}

}  // namespace

std::string Suppressions::Add(const std::string& file, std::string_view text) {
  size_t number = 0;
  for (const std::string_view line : Split(text, "\n")) {
    ++number;
    LineParser parser(line);
    std::optional<Suppression> suppression = parser.Parse();
    if (!parser.problem().empty()) {
      return absl::StrCat(file, ":", number, ":", parser.problem());
    }
    if (suppression.has_value()) {
      suppression->file = file;
      suppression->line = number;
      list_.push_back(std::move(*suppression));
    }
  }
  return "";
}

void Suppressions::Mark(const std::string& today, Report* report) const {
  std::vector<ReportSuppression> told;
  for (const Suppression& suppression : list_) {
    const bool expired = !suppression.until.empty() && suppression.until < today;
    told.push_back({PlaceOf(suppression), suppression.text, suppression.reason, suppression.until,
                    expired ? "expired" : "unused", 0});
  }
  for (ReportFinding& finding : report->findings) {
    const Facts facts(finding);
    for (size_t i = 0; i < list_.size(); ++i) {
      if (told[i].state == "expired" || !Fits(list_[i], finding, facts)) {
        continue;
      }
      told[i].state = "used";
      ++told[i].findings;
      if (finding.status != "suppressed") {
        finding.status = "suppressed";
        finding.suppressed_by = told[i].place;
        finding.suppressed_because = list_[i].reason;
      }
    }
  }
  report->suppressions = std::move(told);
}

bool Matches(const Suppression& suppression, const ReportFinding& finding) {
  return Fits(suppression, finding, Facts(finding));
}

std::string SuppressionLine(const std::string& rule, const std::string& pattern,
                            const std::string& fingerprint) {
  constexpr size_t longest = 300;  // people shall be able to read it
  return absl::StrCat(rule, ":", pattern.size() <= longest ? pattern : "*", " @", fingerprint);
}

std::string SuppressionsFor(const Report& report) {
  std::string lines;
  for (const ReportFinding& finding : report.findings) {
    if (finding.status == "new") {
      absl::StrAppend(&lines, "# ", finding.level, ": ", Printable(finding.title), "\n",
                      Printable(finding.suppression, 1000), "\n");
    }
  }
  return lines;
}

}  // namespace gordian::report
