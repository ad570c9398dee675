#include "cli/command_line.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstring>
#include <deque>
#include <numeric>
#include <string_view>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "cli/exit_code.h"
#include "cli/known.h"
#include "cli/message.h"
#include "cli/preload.h"
#include "libsync/inspect/proc.h"

namespace gordian::cli {
namespace {

constexpr const char kDefaultConfig[] = "gordian.conf";

// Options that every other program has as well: behind a command they are the command's.
constexpr std::string_view kOfEverybody[] = {"color",   "config",  "format", "quiet",
                                             "verbose", "version", "help"};

// CLI11 knows `--` too, but a command's own `--` and options must reach it untouched: everything after the
// first `--` is set aside before CLI11 sees the line.
struct SplitLine {
  std::vector<std::string> own;
  std::vector<std::string> command;
  bool separated = false;
};

SplitLine Split(int argc, char** argv) {
  SplitLine line;
  for (int i = 1; i < argc; ++i) {
    if (!line.separated && std::strcmp(argv[i], "--") == 0) {
      line.separated = true;
    } else {
      (line.separated ? line.command : line.own).emplace_back(argv[i]);
    }
  }
  return line;
}

// `gordian help run` and its kin, as options.
void SpellOut(std::vector<std::string>* own) {
  if (own->empty()) {
    return;
  }
  if (own->front() == "help") {
    own->erase(own->begin());
    own->resize(std::min<size_t>(own->size(), 1));
    own->emplace_back("--help");
  } else if (own->front() == "version") {
    *own = {"--version"};
  }
}

// How many characters must be put in, taken out or changed to make `b` of `a`.
size_t Distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i + 1);
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t changed = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({changed, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

int UsageError(const std::string& what, const std::string& subcommand) {
  const std::string about = subcommand.empty() ? "" : subcommand + " ";
  Message(absl::StrCat(subcommand, subcommand.empty() ? "" : ": ", what,
                       what.ends_with('?') ? " See" : "; see", " `gordian ", about, "--help`"));
  return kExitUsage;
}

// The shared options of a subcommand.
std::vector<const OptionKey*> SharedKeys(SharedOptions shared) {
  std::vector<const OptionKey*> keys;
  for (const OptionKey& key : OptionKeys()) {
    const bool of_gates =
        key.name == std::string_view("expect-processes") || key.name == std::string_view("require-coverage");
    if (shared == SharedOptions::kRun ||
        (shared != SharedOptions::kNone && (key.in_report || (of_gates && shared == SharedOptions::kGate)))) {
      keys.push_back(&key);
    }
  }
  return keys;
}

OptionText ConfigOption() {
  return {"--config", "FILE",
          absl::StrCat("read more options from FILE, one `key = value` a line (default: ./", kDefaultConfig,
                       ")")};
}

// What CLI11 fills, and the options that it fills it for. Deques: bound addresses must not move.
class Binder {
 public:
  Binder(CLI::App* app, const Subcommand* subcommand) : app_(app), subcommand_(*subcommand) {
    for (const Argument& argument : subcommand_.arguments) {
      BindArgument(argument);
    }
    if (subcommand_.shared == SharedOptions::kNone) {
      return;
    }
    for (const OptionKey* key : SharedKeys(subcommand_.shared)) {
      BindKey(*key);
    }
    const OptionText config = ConfigOption();
    app->add_option(config.flags, config_, config.help)->type_name(config.value);
    names_.push_back(config.flags);
  }

  // Configuration file first, command line on top. Returns what is wrong, empty if nothing.
  std::string Resolve(Options* options) const {
    std::string problem = ApplyConfig(options);
    if (problem.empty()) {
      problem = ApplyGiven(Given(), options);
    }
    return problem.empty() ? SetArguments() : problem;
  }

  // Long options, as the user writes them.
  const std::vector<std::string>& names() const { return names_; }
  const Subcommand& subcommand() const { return subcommand_; }
  const CLI::App& app() const { return *app_; }

 private:
  struct Bound {
    const OptionKey* key;
    const Argument* argument;
    std::vector<std::string> values;
    bool given = false;
  };

  void Bind(Bound* bound, const std::string& flags, const std::string& value, const std::string& help,
            bool repeatable) {
    if (const size_t dashes = flags.find("--"); dashes != std::string::npos) {
      names_.push_back(flags.substr(dashes, flags.find(',', dashes) - dashes));
    }
    if (value.empty()) {
      app_->add_flag(flags, bound->given, help);
      return;
    }
    CLI::Option* option = app_->add_option(flags, bound->values, help)->type_name(value);
    const bool is_positional = flags[0] != '-';
    if (!is_positional || !repeatable) {
      option->expected(1)->allow_extra_args(false);
    }
    if (!is_positional) {
      option->multi_option_policy(repeatable ? CLI::MultiOptionPolicy::TakeAll
                                             : CLI::MultiOptionPolicy::TakeLast);
    }
  }

  void BindKey(const OptionKey& key) {
    Bound& bound = bound_.emplace_back(Bound{&key, nullptr, {}, false});
    Bind(&bound, key.flags, key.value, key.help, key.repeatable);
  }

  void BindArgument(const Argument& argument) {
    Bound& bound = bound_.emplace_back(Bound{nullptr, &argument, {}, false});
    Bind(&bound, argument.flags, argument.value, argument.help, argument.repeatable);
  }

  std::string ApplyConfig(Options* options) const {
    if (!config_.empty()) {
      return ApplyConfigFile(config_, options);
    }
    const bool reads_default =
        subcommand_.shared != SharedOptions::kNone && access(kDefaultConfig, F_OK) == 0;
    return reads_default ? ApplyConfigFile(kDefaultConfig, options) : "";
  }

  GivenOptions Given() const {
    GivenOptions given;
    for (const Bound& bound : bound_) {
      if (bound.key != nullptr && bound.given) {
        given[bound.key->name] = {"true"};
      }
      if (bound.key != nullptr && !bound.values.empty()) {
        given[bound.key->name] = bound.values;
      }
    }
    return given;
  }

  std::string SetArguments() const {
    for (const Bound& bound : bound_) {
      if (bound.argument == nullptr) {
        continue;
      }
      const Argument& argument = *bound.argument;
      std::string problem;
      if (bound.given) {
        problem = argument.set("true");
      }
      for (size_t v = 0; v < bound.values.size() && problem.empty(); ++v) {
        problem = argument.set(bound.values[v]);
      }
      if (!problem.empty()) {
        return argument.flags[0] == '-' ? absl::StrCat(argument.flags, ": ", problem) : problem;
      }
      if (argument.required && bound.values.empty()) {
        return absl::StrCat(argument.flags, " is missing");
      }
    }
    return "";
  }

  CLI::App* app_;
  const Subcommand& subcommand_;
  std::deque<Bound> bound_;
  std::string config_;
  std::vector<std::string> names_;
};

// Empty, or what is wrong with what CLI11 did not take.
std::string WhatIsLeft(const Binder& binder, const std::vector<std::string>& left) {
  if (left.empty()) {
    return "";
  }
  const std::string word = left[0].substr(0, left[0].find('='));
  return absl::StartsWith(word, "-")
             ? absl::StrCat("there is no option ", word, DidYouMean(word, binder.names()))
             : absl::StrCat("'", word, "' is one argument too many");
}

// A command without `--` takes everything behind it, also what was meant for gordian.
void WarnOfOptionsBehind(const std::vector<std::string>& command) {
  for (size_t i = 1; i < command.size(); ++i) {
    const std::string word = command[i].substr(0, command[i].find('='));
    const OptionKey* key = absl::StartsWith(word, "--") ? FindOptionKey(word.substr(2)) : nullptr;
    if (key != nullptr &&
        std::find(std::begin(kOfEverybody), std::end(kOfEverybody), key->name) == std::end(kOfEverybody)) {
      Message(absl::StrCat(
          "'", word, "' goes to ", command[0],
          ": options of gordian stand before the command (write `--` before it if that is meant)"));
      return;
    }
  }
}

// Takes the command from where it stands. Empty, or what is wrong.
std::string TakeCommand(const Binder& binder, SplitLine* line, Invocation* invocation) {
  std::vector<std::string> left = binder.app().remaining();
  const TakesCommand takes = binder.subcommand().command;
  if (takes == TakesCommand::kWithoutToo && !line->separated && !left.empty() && left[0][0] != '-') {
    WarnOfOptionsBehind(left);
    line->command = std::exchange(left, {});
  }
  invocation->has_command = line->separated || !line->command.empty();
  invocation->command = std::move(line->command);
  std::string problem = WhatIsLeft(binder, left);
  if (!problem.empty()) {
    return problem;
  }
  if (takes == TakesCommand::kNo && line->separated) {
    return "it takes no command";
  }
  const bool needs_one = takes == TakesCommand::kRequired || takes == TakesCommand::kWithoutToo;
  return needs_one && invocation->command.empty() ? "there is no command; write it behind `--`" : "";
}

// Somebody who wrote `gordian ./app` meant to run it.
std::string UnknownSubcommand(const std::string& word, const std::vector<std::string>& known) {
  return absl::StrCat("there is no command '", word, "'",
                      !FindExecutable(word).empty()
                          ? absl::StrCat("; to run that program: gordian run -- ", word)
                          : DidYouMean(word, known));
}

}  // namespace

std::string DidYouMean(const std::string& word, const std::vector<std::string>& known) {
  const auto nearest = std::min_element(known.begin(), known.end(), [&](const auto& a, const auto& b) {
    return Distance(word, a) < Distance(word, b);
  });
  const bool is_near =
      nearest != known.end() && Distance(word, *nearest) <= std::max<size_t>(word.size() / 4, 1) + 1;
  return is_near ? absl::StrCat("; did you mean ", *nearest, "?") : "";
}

std::vector<SubcommandText> CommandParser::Describe() const {
  std::vector<SubcommandText> texts;
  for (const Subcommand& subcommand : subcommands_) {
    if (subcommand.hidden) {
      continue;
    }
    SubcommandText& text = texts.emplace_back(
        SubcommandText{subcommand.name, subcommand.help, subcommand.footer, subcommand.command, {}});
    for (const Argument& argument : subcommand.arguments) {
      text.options.push_back({argument.flags, argument.value, argument.help});
    }
    for (const OptionKey* key : SharedKeys(subcommand.shared)) {
      text.options.push_back({key->flags, key->value, key->help});
    }
    if (subcommand.shared != SharedOptions::kNone) {
      text.options.push_back(ConfigOption());
    }
  }
  return texts;
}

int CommandParser::Run(int argc, char** argv) const {
  SplitLine line = Split(argc, argv);
  SpellOut(&line.own);
  CLI::App app("Gordian finds deadlocks, leaked locks, unjoined threads and zombie children in programs.",
               "gordian");
  app.set_version_flag("-V,--version", std::string("gordian ") + GORDIAN_VERSION);
  app.require_subcommand(0, 1);
  app.footer("`gordian help COMMAND` tells more of each.");
  std::deque<Binder> binders;
  std::vector<std::string> names;
  for (const Subcommand& subcommand : subcommands_) {
    CLI::App* own = app.add_subcommand(subcommand.name, subcommand.help);
    own->footer(subcommand.footer);
    own->allow_extras();
    if (subcommand.command == TakesCommand::kWithoutToo) {
      own->prefix_command();
    }
    if (subcommand.hidden) {
      own->group("");
    } else {
      names.push_back(subcommand.name);
    }
    binders.emplace_back(own, &subcommand);
  }
  const std::string first = line.own.empty() ? "" : line.own[0];
  const bool is_known =
      std::any_of(subcommands_.begin(), subcommands_.end(),
                  [&first](const Subcommand& subcommand) { return subcommand.name == first; });
  if (!is_known && !first.empty() && first[0] != '-') {
    return UsageError(UnknownSubcommand(first, names), "");
  }
  std::reverse(line.own.begin(), line.own.end());  // the order in which CLI11 takes a vector
  try {
    app.parse(line.own);
  } catch (const CLI::Success& success) {
    return app.exit(success);
  } catch (const CLI::ParseError& error) {
    return UsageError(error.what(), is_known ? first : "");
  }
  for (const Binder& binder : binders) {
    if (!binder.app().parsed()) {
      continue;
    }
    Invocation invocation;
    std::string problem = TakeCommand(binder, &line, &invocation);
    if (problem.empty()) {
      problem = binder.Resolve(&invocation.options);
    }
    if (!problem.empty()) {
      return UsageError(problem, binder.subcommand().name);
    }
    if (binder.subcommand().shared != SharedOptions::kNone) {
      invocation.options.known = KnownFindings::Load(invocation.options, &problem);
    }
    if (!problem.empty()) {
      Message(problem);
      return kExitKnown;
    }
    if (binder.subcommand().without_proc != 0 && !inspect::HasProc()) {
      Message(absl::StrCat(inspect::kNoProc, "; mount -t proc proc /proc"));
      return binder.subcommand().without_proc;
    }
    return binder.subcommand().run(std::move(invocation));
  }
  return UsageError("say what to do: `gordian run -- CMD ARGS...`", "");
}

SetValue SetText(std::string* text) {
  return [text](const std::string& value) {
    *text = value;
    return std::string();
  };
}

SetValue AddText(std::vector<std::string>* texts) {
  return [texts](const std::string& value) {
    texts->push_back(value);
    return std::string();
  };
}

SetValue SetTrue(bool* flag) {
  return [flag](const std::string& /*value*/) {
    *flag = true;
    return std::string();
  };
}

SetValue SetPid(int32_t* pid) {
  return [pid](const std::string& value) {
    const bool is_pid = absl::SimpleAtoi(value, pid) && *pid > 0;
    return is_pid ? "" : absl::StrCat("'", value, "' is not a process id");
  };
}

SetValue AddPid(std::vector<int32_t>* pids) {
  return [pids](const std::string& value) {
    int32_t pid = 0;
    std::string problem = SetPid(&pid)(value);
    if (problem.empty()) {
      pids->push_back(pid);
    }
    return problem;
  };
}

SetValue SetNumber(uint64_t* number) {
  return [number](const std::string& value) {
    return absl::SimpleAtoi(value, number) ? "" : absl::StrCat("'", value, "' is not a number");
  };
}

SetValue SetPositive(uint64_t* number) {
  return [number](const std::string& value) {
    const bool is_positive = absl::SimpleAtoi(value, number) && *number > 0;
    return is_positive ? "" : absl::StrCat("'", value, "' is not a number above 0");
  };
}

}  // namespace gordian::cli
