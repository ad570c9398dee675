// `gordian explain RULE`: what a rule finds, why that is dangerous, and what to do.
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/file_util.h"
#include "cli/message.h"
#include "libsync/analyze/rule_pages.h"
#include "reports/text_style.h"

namespace gordian::cli {
namespace {

using analyze::RulePage;

struct ExplainArguments {
  std::vector<std::string> rules;
  bool markdown = false;
};

std::string LevelOf(const RulePage& page) {
  const char* level = page.level == analyze::Level::kError     ? "error"
                      : page.level == analyze::Level::kWarning ? "warning"
                                                               : "note";
  return absl::StrCat(level, page.confidence == analyze::Confidence::kPotential ? ", potential" : "",
                      page.other_levels[0] == '\0' ? "" : "; ", page.other_levels);
}

std::string Suppression(const RulePage& page) {
  return absl::StrCat(
      "A finding's last line is its suppression, `", page.id,
      ":` and a pattern of locks, a function or a program: the name under which lists of known findings "
      "keep it.");
}

std::vector<std::pair<const char*, std::string>> Parts(const RulePage& page) {
  return {{"What", page.what},
          {"Example", page.example},
          {"Why", page.why},
          {"Fix", page.fix},
          {"Suppress", Suppression(page)}};
}

std::string AsText(const RulePage& page) {
  const report::TextOptions style;
  constexpr size_t indent = 12;
  std::string text = report::Wrap(absl::StrCat(page.id, ": "), 2, LevelOf(page), style);
  for (const auto& [name, part] : Parts(page)) {
    const std::string label = absl::StrCat("  ", name);
    text += report::Wrap(label + std::string(indent - label.size(), ' '), indent, part, style);
  }
  return text;
}

std::string AsMarkdown() {
  std::string text =
      "# Rules\n\n"
      "Made by `gordian explain --markdown`. A **confirmed** finding happened in the run. A **potential** "
      "one did not: "
      "another\nschedule of the same calls makes it happen, as far as is known what orders them.\n\n"
      "| rule | level | what |\n|---|---|---|\n";
  for (const RulePage& page : analyze::RulePages()) {
    absl::StrAppend(&text, "| [`", page.id, "`](#", page.id, ") | ", LevelOf(page), " | ", page.what, " |\n");
  }
  for (const RulePage& page : analyze::RulePages()) {
    absl::StrAppend(&text, "\n## ", page.id, "\n\n");
    for (const auto& [name, part] : Parts(page)) {
      absl::StrAppend(&text, "- **", name, "**: ", part, "\n");
    }
  }
  return text;
}

std::string AsList() {
  std::string text;
  for (const RulePage& page : analyze::RulePages()) {
    const std::string id = page.id;
    constexpr size_t column = 29;
    text += report::Wrap(id + std::string(column - id.size(), ' '), column, page.what, {});
  }
  return text;
}

const RulePage* Find(const std::string& id) {
  const auto pages = analyze::RulePages();
  const auto found =
      std::find_if(pages.begin(), pages.end(), [&id](const RulePage& page) { return id == page.id; });
  return found == pages.end() ? nullptr : &*found;
}

std::string AddRule(const std::string& id, std::vector<std::string>* rules) {
  rules->push_back(id);
  if (Find(id) != nullptr) {
    return "";
  }
  std::vector<std::string> known;
  for (const RulePage& page : analyze::RulePages()) {
    known.emplace_back(page.id);
  }
  return absl::StrCat("there is no rule '", id, "'", DidYouMean(id, known));
}

int ExplainCommand(const ExplainArguments& arguments) {
  std::string text = arguments.markdown ? AsMarkdown() : arguments.rules.empty() ? AsList() : "";
  for (const std::string& rule : arguments.rules) {
    absl::StrAppend(&text, text.empty() ? "" : "\n", AsText(*Find(rule)));
  }
  return WriteAll(STDOUT_FILENO, text) ? 0 : kExitGordian;
}

}  // namespace

void RegisterExplain(CommandParser* line) {
  const auto arguments = std::make_shared<ExplainArguments>();
  Subcommand explain;
  explain.name = "explain";
  explain.help = "tell what a rule finds, why that is dangerous, and what to do; without a rule: list them";
  explain.arguments = {
      {"RULE", "RULE", "such as lock-order-cycle",
       [arguments](const std::string& id) { return AddRule(id, &arguments->rules); }, true},
      {"--markdown", "", "all rules, as docs/rules.md has them", SetTrue(&arguments->markdown)},
  };
  explain.run = [arguments](const Invocation& /*invocation*/) { return ExplainCommand(*arguments); };
  line->Add(std::move(explain));
}

}  // namespace gordian::cli
