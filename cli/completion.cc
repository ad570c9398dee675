// `gordian completion SHELL`: the script by which a shell completes gordian's command line, made from the
// same table as its help.
#include <unistd.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/file_util.h"
#include "libsync/analyze/rule_pages.h"

namespace gordian::cli {
namespace {

enum class Values { kAny, kChoices, kFiles, kFolders, kProcesses };

struct Expected {
  Values values = Values::kAny;
  std::vector<std::string> choices;
};

// What a value of that name in help can be.
Expected ExpectedOf(const std::string& value) {
  if (absl::StrContains(value, '|')) {
    return {Values::kChoices, absl::StrSplit(value, '|')};
  }
  if (value == "RULE") {
    Expected rules{Values::kChoices, {}};
    for (const analyze::RulePage& page : analyze::RulePages()) {
      rules.choices.emplace_back(page.id);
    }
    return rules;
  }
  const auto is_any_of = [&value](std::initializer_list<const char*> names) {
    return std::any_of(names.begin(), names.end(), [&value](const char* name) { return value == name; });
  };
  return is_any_of({"DIR"})                              ? Expected{Values::kFolders, {}}
         : is_any_of({"PID"})                            ? Expected{Values::kProcesses, {}}
         : is_any_of({"FILE", "RUN", "CORE", "PROGRAM"}) ? Expected{Values::kFiles, {}}
                                                         : Expected{};
}

bool IsPositional(const OptionText& option) { return option.flags[0] != '-'; }

std::vector<std::string> FlagsOf(const OptionText& option) { return absl::StrSplit(option.flags, ','); }

std::string ChoicesOf(const Expected& expected) { return absl::StrJoin(expected.choices, " "); }

// ---- bash

std::string BashWords(const Expected& expected) {
  switch (expected.values) {
    case Values::kChoices:
      return absl::StrCat("compgen -W '", ChoicesOf(expected), "' -- \"$current\"");
    case Values::kFiles:
      return "compgen -f -- \"$current\"";
    case Values::kFolders:
      return "compgen -d -- \"$current\"";
    case Values::kProcesses:
      return "_gordian_processes";
    case Values::kAny:
      break;
  }
  return ":";
}

std::string BashScript(const std::vector<SubcommandText>& subcommands) {
  std::string names;
  std::string values;
  std::string words;
  for (const SubcommandText& subcommand : subcommands) {
    absl::StrAppend(&names, names.empty() ? "" : " ", subcommand.name);
    std::vector<std::string> flags;
    std::string positional = ":";
    for (const OptionText& option : subcommand.options) {
      if (IsPositional(option)) {
        positional = BashWords(ExpectedOf(option.value));
        continue;
      }
      for (const std::string& flag : FlagsOf(option)) {
        flags.push_back(flag);
        if (!option.value.empty()) {
          absl::StrAppend(&values, "    ", subcommand.name, ":", flag, ") ",
                          BashWords(ExpectedOf(option.value)), " ;;\n");
        }
      }
    }
    absl::StrAppend(
        &words, "    ", subcommand.name, ":-*) compgen -W '", absl::StrJoin(flags, " "),
        " --help' -- \"$current\" ;;\n    ", subcommand.name, ":*) ",
        subcommand.command == TakesCommand::kWithoutToo ? "compgen -c -- \"$current\"" : positional, " ;;\n");
  }
  return absl::StrCat(R"(# bash completion of gordian, made by `gordian completion bash`
_gordian_processes() {
  local processes=(/proc/[0-9]*)
  compgen -W "${processes[*]#/proc/}" -- "$current"
}
# The candidates for `current`, behind `previous`, in the arguments of `command`.
_gordian_candidates() {
  case $command:$previous in
)",
                      values, R"(    *) _gordian_words ;;
  esac
}
_gordian_words() {
  case $command:$current in
    :-*) compgen -W '--help --version' -- "$current" ;;
    :*|help:*) compgen -W ')",
                      names, R"(' -- "$current" ;;
)",
                      words, R"(  esac
}
_gordian() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} command='' i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case ${COMP_WORDS[i]} in
      --) # The program's own command line.
        if declare -F _command_offset >/dev/null; then
          _command_offset $((i + 1))
        else
          mapfile -t COMPREPLY < <(compgen -c -- "$current")
        fi
        return ;;
      -*) ;;
      *) [[ -n $command ]] || command=${COMP_WORDS[i]} ;;
    esac
  done
  # `--option=value` comes in three words.
  if [[ $current == = ]]; then
    current=''
  elif [[ $previous == = ]]; then
    previous=${COMP_WORDS[COMP_CWORD - 2]}
  fi
  mapfile -t COMPREPLY < <(_gordian_candidates)
}
complete -o bashdefault -o filenames -F _gordian gordian
)");
}

// ---- zsh

// Inside '...', as a part of a specification of _arguments.
std::string ZshText(const std::string& text) {
  return absl::StrReplaceAll(
      text, {{"\\", "\\\\"}, {"'", "'\\''"}, {"[", "\\["}, {"]", "\\]"}, {":", "\\:"}, {"`", "\\`"}});
}

std::string ZshAction(const OptionText& option) {
  const Expected expected = ExpectedOf(option.value);
  const std::string name = absl::StrContains(option.value, '|') ? "value" : option.value;
  switch (expected.values) {
    case Values::kChoices:
      return absl::StrCat(":", name, ":(", ChoicesOf(expected), ")");
    case Values::kFiles:
      return absl::StrCat(":", name, ":_files");
    case Values::kFolders:
      return absl::StrCat(":", name, ":_files -/");
    case Values::kProcesses:
      return absl::StrCat(":", name, ":_pids");
    case Values::kAny:
      break;
  }
  return absl::StrCat(":", ZshText(name), ":");
}

std::string ZshScript(const std::vector<SubcommandText>& subcommands) {
  std::string text =
      "#compdef gordian\n# zsh completion of gordian, made by `gordian completion zsh`\n_gordian() {\n"
      "  local -a commands=(\n";
  for (const SubcommandText& subcommand : subcommands) {
    absl::StrAppend(&text, "    '", subcommand.name, ":", ZshText(subcommand.help), "'\n");
  }
  absl::StrAppend(&text,
                  "  )\n"
                  "  if ((CURRENT == 2)); then\n"
                  "    _describe command commands\n"
                  "    return\n"
                  "  fi\n"
                  "  shift words\n"
                  "  ((CURRENT--))\n"
                  "  case ${words[1]} in\n"
                  "    help) _describe command commands ;;\n");
  for (const SubcommandText& subcommand : subcommands) {
    absl::StrAppend(&text, "    ", subcommand.name, ")\n      _arguments -S");
    for (const OptionText& option : subcommand.options) {
      if (IsPositional(option)) {
        absl::StrAppend(&text, " \\\n        '*", ZshAction(option), "'");
        continue;
      }
      for (const std::string& flag : FlagsOf(option)) {
        const bool is_long = absl::StartsWith(flag, "--");
        absl::StrAppend(&text, " \\\n        '*", flag,
                        option.value.empty() ? ""
                        : is_long            ? "="
                                             : "+",
                        "[", ZshText(option.help), "]", option.value.empty() ? "" : ZshAction(option), "'");
      }
    }
    absl::StrAppend(&text, subcommand.command == TakesCommand::kNo ? "" : " \\\n        '*::program:_normal'",
                    " ;;\n");
  }
  absl::StrAppend(&text,
                  "  esac\n}\nif [[ $zsh_eval_context[-1] == loadautofunc ]]; then\n  _gordian \"$@\"\nelse\n"
                  "  compdef _gordian gordian\nfi\n");
  return text;
}

// ---- fish

std::string FishText(const std::string& text) {
  return absl::StrCat("'", absl::StrReplaceAll(text, {{"\\", "\\\\"}, {"'", "\\'"}}), "'");
}

std::string FishValues(const std::string& value) {
  const Expected expected = ExpectedOf(value);
  switch (expected.values) {
    case Values::kChoices:
      return absl::StrCat(" -xa ", FishText(ChoicesOf(expected)));
    case Values::kFiles:
      return " -rF";
    case Values::kFolders:
      return " -xa '(__fish_complete_directories)'";
    case Values::kProcesses:
      return " -xa '(__fish_complete_pids)'";
    case Values::kAny:
      break;
  }
  return " -x";
}

std::string FishScript(const std::vector<SubcommandText>& subcommands) {
  std::string text =
      "# fish completion of gordian, made by `gordian completion fish`\n"
      "function __gordian_in_program\n"
      "    contains -- -- (commandline -opc)\n"
      "end\n"
      "complete -c gordian -f\n"
      "complete -c gordian -n __gordian_in_program -xa '(__fish_complete_subcommand --fcs-skip=(contains -i "
      "-- "
      "-- (commandline -opc)))'\n";
  for (const SubcommandText& subcommand : subcommands) {
    absl::StrAppend(&text, "complete -c gordian -n __fish_use_subcommand -xa ", subcommand.name, " -d ",
                    FishText(subcommand.help), "\n");
  }
  for (const SubcommandText& subcommand : subcommands) {
    const std::string where = absl::StrCat("complete -c gordian -n '__fish_seen_subcommand_from ",
                                           subcommand.name, "; and not __gordian_in_program'");
    for (const OptionText& option : subcommand.options) {
      absl::StrAppend(&text, where);
      if (!IsPositional(option)) {
        for (const std::string& flag : FlagsOf(option)) {
          absl::StrAppend(&text, absl::StartsWith(flag, "--") ? " -l " : " -s ",
                          flag.substr(flag.find_first_not_of('-')));
        }
      }
      absl::StrAppend(&text, option.value.empty() ? "" : FishValues(option.value), " -d ",
                      FishText(option.help), "\n");
    }
  }
  return text;
}

struct Shell {
  const char* name;
  std::string (*script)(const std::vector<SubcommandText>& subcommands);
};
constexpr Shell kShells[] = {{"bash", BashScript}, {"zsh", ZshScript}, {"fish", FishScript}};

std::string SetShell(const std::string& name, const Shell** shell) {
  for (const Shell& known : kShells) {
    if (name == known.name) {
      *shell = &known;
      return "";
    }
  }
  return absl::StrCat("there is no completion for '", name, "'; there is for bash, zsh and fish");
}

}  // namespace

void RegisterCompletion(CommandParser* line) {
  const auto shell = std::make_shared<const Shell*>(nullptr);
  Subcommand completion;
  completion.name = "completion";
  completion.help = "print the script that lets a shell complete gordian's command line";
  completion.footer =
      "bash: source <(gordian completion bash); an installation has the scripts in their places.";
  completion.arguments = {{"SHELL", "bash|zsh|fish", "the shell",
                           [shell](const std::string& name) { return SetShell(name, shell.get()); }, false,
                           true}};
  completion.run = [line, shell](const Invocation& /*invocation*/) {
    return WriteAll(STDOUT_FILENO, (*shell)->script(line->Describe())) ? 0 : kExitGordian;
  };
  line->Add(std::move(completion));
}

}  // namespace gordian::cli
