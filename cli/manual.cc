// `gordian manual [COMMAND]`: the manual page, made from the same table as the help.
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/file_util.h"
#include "cli/message.h"

namespace gordian::cli {
namespace {

// Text of man(7): a hyphen that is to be copied is one of options, and a line may not begin with a control
// character.
std::string Roff(const std::string& text) {
  const std::string escaped = absl::StrReplaceAll(text, {{"\\", "\\e"}, {"-", "\\-"}});
  return absl::StartsWith(escaped, ".") || absl::StartsWith(escaped, "'") ? absl::StrCat("\\&", escaped)
                                                                          : escaped;
}

// What stands in backquotes in help is bold.
std::string RoffHelp(const std::string& text) {
  std::string result;
  bool is_code = false;
  for (const std::string& part : std::vector<std::string>(absl::StrSplit(text, '`'))) {
    absl::StrAppend(&result, is_code ? "\\fB" : "", Roff(part), is_code ? "\\fR" : "");
    is_code = !is_code;
  }
  return result;
}

std::string Heading(const std::string& name) {
  return absl::StrCat(".TH ", absl::AsciiStrToUpper(Roff(name)), " 1 \"\" \"gordian ", GORDIAN_VERSION,
                      "\" \"User Commands\"\n");
}

std::string Option(const OptionText& option) {
  std::string text = ".TP\n";
  const bool is_positional = option.flags[0] != '-';
  if (is_positional) {
    absl::StrAppend(&text, "\\fI", Roff(option.flags), "\\fR");
  } else {
    const char* separator = "";
    for (const std::string& flag : std::vector<std::string>(absl::StrSplit(option.flags, ','))) {
      absl::StrAppend(&text, separator, "\\fB", Roff(flag), "\\fR");
      separator = ", ";
    }
    if (!option.value.empty()) {
      absl::StrAppend(&text, " \\fI", Roff(option.value), "\\fR");
    }
  }
  return absl::StrCat(text, "\n", RoffHelp(option.help), ".\n");
}

std::string Synopsis(const SubcommandText& subcommand) {
  std::string text = absl::StrCat("\\fBgordian ", subcommand.name, "\\fR [\\fIOPTIONS\\fR]");
  for (const OptionText& option : subcommand.options) {
    if (option.flags[0] != '-') {
      absl::StrAppend(&text, " [\\fI", Roff(option.flags), "\\fR...]");
    }
  }
  const char* command = " \\fB\\-\\-\\fR \\fICMD\\fR [\\fIARGS\\fR...]";
  return absl::StrCat(text,
                      subcommand.command == TakesCommand::kNo         ? ""
                      : subcommand.command == TakesCommand::kOptional ? absl::StrCat(" [", command + 1, "]")
                                                                      : command,
                      "\n");
}

std::string PageOf(const SubcommandText& subcommand) {
  std::string text =
      absl::StrCat(Heading("gordian-" + subcommand.name), ".SH NAME\ngordian\\-", subcommand.name, " \\- ",
                   Roff(subcommand.help), "\n.SH SYNOPSIS\n", Synopsis(subcommand));
  if (!subcommand.options.empty()) {
    absl::StrAppend(&text, ".SH OPTIONS\n");
    for (const OptionText& option : subcommand.options) {
      absl::StrAppend(&text, Option(option));
    }
  }
  if (!subcommand.footer.empty()) {
    absl::StrAppend(&text, ".SH NOTES\n");
    for (const absl::string_view line : absl::StrSplit(subcommand.footer, '\n', absl::SkipEmpty())) {
      absl::StrAppend(&text, RoffHelp(std::string(absl::StripAsciiWhitespace(line))), "\n.br\n");
    }
  }
  return absl::StrCat(text, ".SH SEE ALSO\n.BR gordian (1)\n");
}

std::string PageOfAll(const std::vector<SubcommandText>& subcommands) {
  std::string text = absl::StrCat(
      Heading("gordian"),
      ".SH NAME\ngordian \\- find deadlocks, leaked locks, unjoined threads and zombie children in programs\n"
      ".SH SYNOPSIS\n\\fBgordian\\fR \\fICOMMAND\\fR [\\fIOPTIONS\\fR] [\\fB\\-\\-\\fR \\fICMD\\fR "
      "[\\fIARGS\\fR...]]\n.SH COMMANDS\n");
  for (const SubcommandText& subcommand : subcommands) {
    absl::StrAppend(&text, ".TP\n.BR gordian\\-", subcommand.name, " (1)\n", RoffHelp(subcommand.help),
                    ".\n");
  }
  absl::StrAppend(&text, ".SH EXIT STATUS\n");
  for (const ExitStatus& status : ExitStatuses()) {
    absl::StrAppend(&text, ".TP\n\\fB", status.codes, "\\fR\n", RoffHelp(status.meaning), ".\n");
  }
  return text;
}

bool WritePage(const std::string& path, const std::string& page) {
  std::ofstream file(path);
  file << page;
  return file.flush().good();
}

struct ManualArguments {
  std::string command;
  std::string folder;
};

// A page for gordian and one for each command, under the names that man(1) looks for.
bool WriteInto(const std::string& folder, const std::vector<SubcommandText>& subcommands) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  bool is_written = WritePage(absl::StrCat(folder, "/gordian.1"), PageOfAll(subcommands));
  for (const SubcommandText& subcommand : subcommands) {
    is_written =
        is_written && WritePage(absl::StrCat(folder, "/gordian-", subcommand.name, ".1"), PageOf(subcommand));
  }
  return is_written;
}

std::string SetCommand(const std::string& command, const std::vector<SubcommandText>& subcommands,
                       std::string* result) {
  std::vector<std::string> known;
  for (const SubcommandText& subcommand : subcommands) {
    known.push_back(subcommand.name);
  }
  *result = command;
  return std::find(known.begin(), known.end(), command) != known.end()
             ? ""
             : absl::StrCat("there is no command '", command, "'", DidYouMean(command, known));
}

int ManualCommand(const ManualArguments& arguments, const std::vector<SubcommandText>& subcommands) {
  if (!arguments.folder.empty()) {
    if (WriteInto(arguments.folder, subcommands)) {
      return 0;
    }
    Message(absl::StrCat("cannot write the manual pages into ", arguments.folder));
    return kExitGordian;
  }
  const auto own = std::find_if(subcommands.begin(), subcommands.end(),
                                [&](const SubcommandText& text) { return text.name == arguments.command; });
  const std::string page = own == subcommands.end() ? PageOfAll(subcommands) : PageOf(*own);
  return WriteAll(STDOUT_FILENO, page) ? 0 : kExitGordian;
}

}  // namespace

void RegisterManual(CommandParser* line) {
  const auto arguments = std::make_shared<ManualArguments>();
  Subcommand manual;
  manual.name = "manual";
  manual.help = "print the manual page of gordian or of a command, for `man -l`";
  manual.footer = "To read one: gordian manual run | man -l -";
  manual.arguments = {
      {"COMMAND", "COMMAND", "such as run; without it the page of gordian itself",
       [line, arguments](const std::string& command) {
         return SetCommand(command, line->Describe(), &arguments->command);
       }},
      {"--into", "DIR", "write all pages into DIR, a file each", SetText(&arguments->folder)},
  };
  manual.run = [line, arguments](const Invocation& /*invocation*/) {
    return ManualCommand(*arguments, line->Describe());
  };
  line->Add(std::move(manual));
}

}  // namespace gordian::cli
