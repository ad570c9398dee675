#include "cli/options.h"

#include <cerrno>
#include <cmath>
#include <cstring>
#include <fstream>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace gordian::cli {
namespace {

template <typename T>
std::string SetChoice(const std::string& value, std::initializer_list<std::pair<const char*, T>> choices,
                      T* result) {
  std::string names;
  for (const auto& [name, choice] : choices) {
    if (value == name) {
      *result = choice;
      return "";
    }
    absl::StrAppend(&names, names.empty() ? "" : ", ", name);
  }
  return absl::StrCat("'", value, "' is none of ", names);
}

std::string SetSwitch(const std::string& value, bool* result) {
  return SetChoice<bool>(value,
                         {{"true", true},
                          {"false", false},
                          {"yes", true},
                          {"no", false},
                          {"on", true},
                          {"off", false},
                          {"1", true},
                          {"0", false}},
                         result);
}

std::string SetSeconds(const std::string& value, std::optional<double>* result) {
  double seconds = 0;
  if (!absl::SimpleAtod(value, &seconds) || !std::isfinite(seconds) || seconds < 0 || seconds > 1e9) {
    return absl::StrCat("'", value, "' is not a number of seconds");
  }
  *result = seconds;
  return "";
}

std::string SetKillAfter(Options* options, const std::string& value) {
  std::string problem = SetSeconds(value, &options->kill_after);
  return problem.empty() && *options->kill_after == 0 ? "0 would end the program before it begins" : problem;
}

std::string SetFile(const std::string& value, std::string* result) {
  if (value.empty()) {
    return "the name is empty";
  }
  *result = value;
  return "";
}

std::string AddGlob(const std::string& value, std::vector<std::string>* result) {
  // The shim gets all globs in one entry of a string: ',' and ':' end them there.
  for (absl::string_view glob : absl::StrSplit(value, ',')) {
    if (glob.empty() || absl::StrContains(glob, ':')) {
      return absl::StrCat("'", value, "' is not a glob on program names (no colon is allowed)");
    }
    result->emplace_back(glob);
  }
  return "";
}

// Names of functions have colons and commas of their own.
std::string AddWrapper(Options* options, const std::string& value) {
  if (value.empty()) {
    return "the glob is empty";
  }
  options->wrappers.push_back(value);
  return "";
}

template <typename T>
std::string SetMilliseconds(const std::string& value, T* result) {
  uint64_t milliseconds = 0;
  if (!absl::SimpleAtoi(value, &milliseconds) || milliseconds > 1'000'000'000) {
    return absl::StrCat("'", value, "' is not a number of milliseconds");
  }
  *result = milliseconds;
  return "";
}

std::string SetExitCode(Options* options, const std::string& value) {
  int code = 0;
  if (!absl::SimpleAtoi(value, &code) || code < 0 || code > 255) {
    return absl::StrCat("'", value, "' is not an exit code from 0 to 255");
  }
  options->error_exitcode = code;
  return "";
}

std::string SetSeed(Options* options, const std::string& value) {
  uint64_t seed = 0;
  if (!absl::SimpleAtoi(value, &seed)) {
    return absl::StrCat("'", value, "' is not a seed (a number)");
  }
  options->perturb = seed;
  return "";
}

std::string SetOnDeadlock(Options* options, const std::string& value) {
  return SetChoice<OnDeadlock>(value,
                               {{"report", OnDeadlock::kReport},
                                {"kill", OnDeadlock::kKill},
                                {"kill-tree", OnDeadlock::kKillTree},
                                {"core", OnDeadlock::kCore}},
                               &options->on_deadlock);
}

std::string SetFailOn(Options* options, const std::string& value) {
  return SetChoice<FailOn>(value,
                           {{"error", FailOn::kError},
                            {"new", FailOn::kError},
                            {"any", FailOn::kAny},
                            {"warning", FailOn::kWarning},
                            {"confirmed", FailOn::kConfirmed},
                            {"never", FailOn::kNever}},
                           &options->fail_on);
}

std::string SetExpectProcesses(Options* options, const std::string& value) {
  uint64_t count = 0;
  if (!absl::SimpleAtoi(value, &count)) {
    return absl::StrCat("'", value, "' is not a number of processes");
  }
  options->expect_processes = count;
  return "";
}

std::string SetRequireCoverage(Options* options, const std::string& value) {
  double percent = 0;
  if (!absl::SimpleAtod(value, &percent) || !(percent >= 0 && percent <= 100)) {
    return absl::StrCat("'", value, "' is not a percentage from 0 to 100");
  }
  options->require_coverage = percent;
  return "";
}

std::string SetColor(Options* options, const std::string& value) {
  return SetChoice<Color>(
      value, {{"auto", Color::kAuto}, {"always", Color::kAlways}, {"never", Color::kNever}}, &options->color);
}

std::string SetFormat(Options* options, const std::string& value) {
  return SetChoice<report::TextFormat>(
      value, {{"full", report::TextFormat::kFull}, {"short", report::TextFormat::kShort}}, &options->format);
}

std::string SetRedact(Options* options, const std::string& value) {
  return SetChoice<bool>(value, {{"auto", true}, {"none", false}}, &options->redact);
}

std::string SetNoChildren(Options* options, const std::string& value) {
  bool no_children = !options->children;
  std::string problem = SetSwitch(value, &no_children);
  options->children = !no_children;
  return problem;
}

const OptionKey kKeys[] = {
    {"json", "--json", "FILE", "write the report as JSON (gordian.report/1)", false, true,
     [](Options* options, const std::string& value) { return SetFile(value, &options->files["json"]); }},
    {"sarif", "--sarif", "FILE", "write the report as SARIF 2.1.0, for code scanning", false, true,
     [](Options* options, const std::string& value) { return SetFile(value, &options->files["sarif"]); }},
    {"junit", "--junit", "FILE", "write the report as JUnit XML", false, true,
     [](Options* options, const std::string& value) { return SetFile(value, &options->files["junit"]); }},
    {"gitlab", "--gitlab", "FILE", "write the report as GitLab's code quality report", false, true,
     [](Options* options, const std::string& value) { return SetFile(value, &options->files["gitlab"]); }},
    {"github", "--github", "FILE", "write annotations of GitHub Actions (there they come by themselves)",
     false, true,
     [](Options* options, const std::string& value) { return SetFile(value, &options->files["github"]); }},
    {"markdown", "--markdown", "FILE", "write a summary in Markdown", false, true,
     [](Options* options, const std::string& value) { return SetFile(value, &options->files["markdown"]); }},
    {"dot", "--dot", "FILE", "write graphs of who holds and waits for what, for Graphviz", false, true,
     [](Options* options, const std::string& value) { return SetFile(value, &options->files["dot"]); }},
    {"mermaid", "--mermaid", "FILE", "write the same for Mermaid", false, true,
     [](Options* options, const std::string& value) { return SetFile(value, &options->files["mermaid"]); }},
    {"html", "--html", "FILE", "write the report as one page for a browser", false, true,
     [](Options* options, const std::string& value) { return SetFile(value, &options->files["html"]); }},
    {"text", "--text", "FILE", "write the text report there instead of to stderr", false, true,
     [](Options* options, const std::string& value) { return SetFile(value, &options->text); }},
    {"out", "--out", "DIR", "keep the run in DIR, for `gordian report DIR`", false, false,
     [](Options* options, const std::string& value) { return SetFile(value, &options->out); }},
    {"on-deadlock", "--on-deadlock", "report|kill|kill-tree|core",
     "what to do with processes that hang for good. report (default): tell of them and let them hang, for a "
     "debugger or `gordian attach`; kill: end them, by SIGTERM and after 2 s by SIGKILL, and leave the test "
     "runner above them alone, for CI; kill-tree: end all that CMD started; core: as kill-tree, but a "
     "deadlocked process dumps core first, for `gordian core`. CMD ended so: exit 66",
     false, false, SetOnDeadlock},
    {"dump-after", "--dump-after", "SEC",
     "print what every thread does, holds and waits for after SEC seconds", false, false,
     [](Options* options, const std::string& value) { return SetSeconds(value, &options->dump_after); }},
    {"kill-after", "--kill-after", "SEC", "end the whole tree after SEC seconds, then exit 124", false, false,
     SetKillAfter},
    {"grace-ms", "--grace-ms", "N",
     "how long descendants may outlive the program, and zombies their exit, before that is a finding "
     "(default 2000)",
     false, true,
     [](Options* options, const std::string& value) { return SetMilliseconds(value, &options->grace_ms); }},
    {"hold-ms", "--hold-ms", "N",
     "tell of locks that are held longer than N ms; without it only of sleeps, waits and I/O with a lock "
     "held "
     "that last longer than 100 ms",
     false, false,
     [](Options* options, const std::string& value) { return SetMilliseconds(value, &options->hold_ms); }},
    {"wait-ms", "--wait-ms", "N", "tell of locks that are waited for longer than N ms", false, false,
     [](Options* options, const std::string& value) { return SetMilliseconds(value, &options->wait_ms); }},
    {"check-free", "--check-free", "",
     "look at each free() and realloc() whether a lock that is held lies in the memory; locks cost more then",
     false, false,
     [](Options* options, const std::string& value) { return SetSwitch(value, &options->check_free); }},
    {"profile", "--profile", "",
     "count, for each lock and place, how often and how long locks are waited for and held; locks cost more "
     "then",
     false, false,
     [](Options* options, const std::string& value) { return SetSwitch(value, &options->profile); }},
    {"fail-on", "--fail-on", "error|warning|confirmed|any|never",
     "which findings turn exit code 0 into --error-exitcode (default: error, or new: errors that are not in "
     "the baseline; any: those too)",
     false, true, SetFailOn},
    {"error-exitcode", "--error-exitcode", "N", "the exit code that tells of a finding (default 66)", false,
     true, SetExitCode},
    {"only", "--only", "GLOB", "record only programs with such a name (repeatable)", true, false,
     [](Options* options, const std::string& value) { return AddGlob(value, &options->only); }},
    {"skip", "--skip", "GLOB", "do not record programs with such a name (repeatable)", true, false,
     [](Options* options, const std::string& value) { return AddGlob(value, &options->skip); }},
    {"wrapper", "--wrapper", "GLOB",
     "functions with such a name only lock on behalf of their caller, whose place is told (repeatable)", true,
     true, AddWrapper},
    {"suppressions", "--suppressions", "FILE",
     "findings that a line `rule:pattern` of FILE matches do not count (repeatable; ./gordian.supp is read "
     "by itself)",
     true, true,
     [](Options* options, const std::string& value) {
       return SetFile(value, &options->suppressions.emplace_back());
     }},
    {"gen-suppressions", "--gen-suppressions", "FILE",
     "add to FILE a line for each new finding that silences it and no other", false, true,
     [](Options* options, const std::string& value) {
       return SetFile(value, &options->files["gen-suppressions"]);
     }},
    {"baseline", "--baseline", "FILE",
     "findings of FILE (from `gordian baseline write`) do not count, unless their level is worse now", false,
     true, [](Options* options, const std::string& value) { return SetFile(value, &options->baseline); }},
    {"expect-processes", "--expect-processes", "N", "exit 4 where fewer than N processes were recorded",
     false, false, SetExpectProcesses},
    {"require-coverage", "--require-coverage", "PCT",
     "exit 4 where less than PCT percent of the processes were recorded", false, false, SetRequireCoverage},
    {"source-root", "--source-root", "DIR",
     "tell paths below DIR from there in the formats for services (default: the repository around the "
     "working directory)",
     false, true,
     [](Options* options, const std::string& value) { return SetFile(value, &options->source_root); }},
    {"no-children", "--no-children", "", "record CMD alone, not the processes that it starts", false, false,
     SetNoChildren},
    {"color", "--color", "auto|always|never", "colour the text report (default: on a terminal)", false, true,
     SetColor},
    {"format", "--format", "full|short",
     "the text report: full (default), or short: `file:line: level: rule: title [fingerprint]`, one line a "
     "finding, "
     "for editors and CI",
     false, true, SetFormat},
    {"quiet", "--quiet,-q", "", "print the summary line only", false, true,
     [](Options* options, const std::string& value) { return SetSwitch(value, &options->quiet); }},
    {"verbose", "--verbose,-v", "", "print notes in full and raw facts too", false, true,
     [](Options* options, const std::string& value) { return SetSwitch(value, &options->verbose); }},
    {"redact", "--redact", "auto|none", "hide what looks like a secret in command lines (default: auto)",
     false, true, SetRedact},
    {"explain-pruned", "--explain-pruned", "",
     "list the cycles of lock orders that cannot deadlock too, each with the reason", false, true,
     [](Options* options, const std::string& value) { return SetSwitch(value, &options->explain_pruned); }},
    {"perturb", "--perturb", "SEED",
     "pause threads at random at synchronisation calls, so that rare schedules come up; the same SEED gives "
     "the "
     "same pauses",
     false, false, SetSeed},
    {"avoid", "--avoid", "FILE",
     "let threads into the deadlocks of FILE (from `gordian confirm -o`) one at a time, so that they do not "
     "happen",
     false, false,
     [](Options* options, const std::string& value) { return SetFile(value, &options->avoid); }},
    {"plan", "--plan", "FILE", "follow a plan that `gordian confirm` made", false, false,
     [](Options* options, const std::string& value) { return SetFile(value, &options->plan); }},
};

bool SameKey(const std::string& name, const OptionKey& key) {
  std::string dashed = name;
  for (char& c : dashed) {
    if (c == '_') {
      c = '-';
    }
  }
  if (dashed == key.name) {
    return true;
  }
  // The short spelling of a switch is a name too.
  const char* comma = std::strchr(key.flags, ',');
  return comma != nullptr && dashed == comma + 2;
}

std::string ApplyConfigLine(const std::string& text, Options* options) {
  std::string line(absl::StripAsciiWhitespace(text));
  if (line.empty() || line[0] == '#') {
    return "";
  }
  size_t equals = line.find('=');
  if (equals == std::string::npos) {
    return absl::StrCat("'", line, "' is not 'key = value'");
  }
  std::string name(absl::StripAsciiWhitespace(line.substr(0, equals)));
  std::string value(absl::StripAsciiWhitespace(line.substr(equals + 1)));
  const OptionKey* key = FindOptionKey(name);
  if (key == nullptr) {
    return absl::StrCat("unknown key '", name, "'");
  }
  std::string problem = key->set(options, value);
  return problem.empty() ? "" : absl::StrCat(name, ": ", problem);
}

}  // namespace

std::span<const OptionKey> OptionKeys() { return kKeys; }

const OptionKey* FindOptionKey(const std::string& name) {
  for (const OptionKey& key : kKeys) {
    if (SameKey(name, key)) {
      return &key;
    }
  }
  return nullptr;
}

std::string ApplyConfigFile(const std::string& path, Options* options) {
  std::ifstream file(path);
  if (!file) {
    return absl::StrCat(path, ": ", std::strerror(errno));
  }
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    std::string problem = ApplyConfigLine(line, options);
    if (!problem.empty()) {
      return absl::StrCat(path, ":", number, ": ", problem);
    }
  }
  if (file.bad()) {
    return absl::StrCat(path, ": it cannot be read");
  }
  return "";
}

std::string ApplyGiven(const GivenOptions& given, Options* options) {
  for (const auto& [name, values] : given) {
    const OptionKey* key = FindOptionKey(name);
    if (key == nullptr) {
      return absl::StrCat("unknown option --", name);
    }
    if (name == "only") {
      options->only.clear();
    }
    if (name == "skip") {
      options->skip.clear();
    }
    if (name == "wrapper") {
      options->wrappers.clear();
    }
    if (name == "suppressions") {
      options->suppressions.clear();
    }
    for (const std::string& value : values) {
      std::string problem = key->set(options, value);
      if (!problem.empty()) {
        return absl::StrCat("--", name, ": ", problem);
      }
    }
  }
  return "";
}

}  // namespace gordian::cli
