#include "cli/outputs.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "cli/exit_code.h"
#include "cli/file_util.h"
#include "cli/message.h"

namespace gordian::cli {
namespace {

int OpenText(const std::string& path) {
  if (path == "-") {
    return fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  }
  return open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0666);
}

bool IsStandardOutput(const std::pair<const std::string, std::string>& file) { return file.second == "-"; }

bool WantsColor(Color color, int fd) {
  if (color != Color::kAuto) {
    return color == Color::kAlways;
  }
  const char* terminal = getenv("TERM");
  const char* no_color = getenv("NO_COLOR");
  return isatty(fd) == 1 && terminal != nullptr && std::strcmp(terminal, "dumb") != 0 &&
         (no_color == nullptr || no_color[0] == '\0');
}

// Of a terminal its own, within what people read well; a file has a page's.
size_t WidthOf(int fd) {
  constexpr size_t narrowest = 60;
  constexpr size_t widest = 120;
  winsize size{};
  const bool is_known = ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return is_known ? std::clamp<size_t>(size.ws_col, narrowest, widest) : report::kTextWidth;
}

std::string EnvironmentOf(const char* name) {
  const char* value = getenv(name);
  return value == nullptr ? "" : value;
}

std::string Absolute(const std::string& path) {
  char* real = realpath(path.c_str(), nullptr);
  std::string absolute = real == nullptr ? path : real;
  free(real);
  return absolute;
}

// As asked for, or what the service says, or the repository around the working directory, or that.
std::string SourceRoot(const std::string& asked) {
  for (const std::string& root :
       {asked, EnvironmentOf("GITHUB_WORKSPACE"), EnvironmentOf("CI_PROJECT_DIR")}) {
    if (!root.empty()) {
      return Absolute(root);
    }
  }
  const std::string here = Absolute(".");
  for (std::string folder = here; !folder.empty(); folder.resize(folder.rfind('/'))) {
    if (access((folder + "/.git").c_str(), F_OK) == 0) {
      return folder;
    }
  }
  return here;
}

bool HoldsRun(const std::string& folder) {
  for (const std::string& name : ListNames(folder)) {
    if (name == "run.json" || absl::EndsWith(name, ".trace")) {
      return true;
    }
  }
  return false;
}

// Makes the folder of a kept run. Traces of two runs in one folder would be judged as one run.
std::string PrepareOut(const std::string& folder) {
  if (mkdir(folder.c_str(), 0777) != 0 && errno != EEXIST) {
    return ErrnoText(folder);
  }
  if (HoldsRun(folder)) {
    return absl::StrCat(folder, ": another run is kept there already");
  }
  std::string probe = absl::StrCat(folder, "/.gordian-", getpid());
  int fd = open(probe.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) {
    return ErrnoText(folder);
  }
  close(fd);
  unlink(probe.c_str());
  return "";
}

}  // namespace

std::string FillIn(const std::string& name, const Subject& subject) {
  return absl::StrReplaceAll(name, {{"%p", absl::StrCat(subject.pid)},
                                    {"%n", subject.program.substr(subject.program.rfind('/') + 1)},
                                    {"%%", "%"}});
}

std::optional<Outputs> Outputs::Open(const Options& asked, const Subject& subject, int default_text_fd,
                                     std::string* why) {
  Outputs outputs;
  Options options = asked;
  for (std::string* name : {&options.text, &options.out}) {
    *name = FillIn(*name, subject);
  }
  const auto to_standard_output = std::count_if(options.files.begin(), options.files.end(), IsStandardOutput);
  if (to_standard_output + (options.text == "-" ? 1 : 0) > 1) {
    *why = "only one report can go to standard output";
    return std::nullopt;
  }
  outputs.text_fd_ = default_text_fd;
  outputs.default_text_fd_ = default_text_fd;
  outputs.annotates_ = EnvironmentOf("GITHUB_ACTIONS") == "true" && !options.quiet;
  outputs.format_options_.source_root = SourceRoot(options.source_root);
  outputs.format_options_.fails = [fail_on = options.fail_on](const report::ReportFinding& finding) {
    return IsFailing(finding, fail_on);
  };
  if (!options.text.empty()) {
    outputs.text_fd_ = OpenText(options.text);
    outputs.owns_text_ = outputs.text_fd_ >= 0;
    if (!outputs.owns_text_) {
      *why = ErrnoText(absl::StrCat("cannot write ", options.text));
      return std::nullopt;
    }
  }
  for (const auto& [name, path] : options.files) {
    const report::Format& format = report::FormatByName(name);
    auto file = ReportFile::Open(FillIn(path, subject),
                                 format.adds ? ReportFile::Mode::kAppend : ReportFile::Mode::kReplace, why);
    if (!file.has_value()) {
      return std::nullopt;
    }
    outputs.files_.emplace_back(&format, std::move(*file));
  }
  if (!options.out.empty()) {
    std::string problem = PrepareOut(options.out);
    if (!problem.empty()) {
      *why = absl::StrCat("cannot keep the run in ", problem);
      return std::nullopt;
    }
    outputs.out_ = Absolute(options.out);
  }
  outputs.style_.color = WantsColor(options.color, outputs.text_fd_);
  outputs.style_.width = WidthOf(outputs.text_fd_);
  outputs.style_.format = options.format;
  outputs.style_.verbosity = options.Verbosity();
  return outputs;
}

std::optional<Outputs> Outputs::OpenWithoutRun(Options options, const Subject& subject) {
  options.out.clear();
  std::string why;
  const bool is_taken = std::any_of(options.files.begin(), options.files.end(), IsStandardOutput);
  std::optional<Outputs> outputs = Open(options, subject, is_taken ? STDERR_FILENO : STDOUT_FILENO, &why);
  if (!outputs.has_value()) {
    Message(why);
  }
  return outputs;
}

Outputs::Outputs(Outputs&& other) noexcept
    : text_fd_(other.text_fd_),
      owns_text_(std::exchange(other.owns_text_, false)),
      text_failed_(other.text_failed_),
      files_(std::move(other.files_)),
      format_options_(std::move(other.format_options_)),
      default_text_fd_(other.default_text_fd_),
      annotates_(other.annotates_),
      style_(std::move(other.style_)),
      out_(std::move(other.out_)) {}

Outputs::~Outputs() {
  if (owns_text_) {
    close(text_fd_);
  }
}

void Outputs::Text(const std::string& text) const {
  if (!WriteAll(text_fd_, text) && owns_text_) {
    text_failed_ = true;
  }
}

std::string Outputs::Files(const report::Report& report) {
  std::string problem;
  for (auto& [format, file] : files_) {
    if (!file.Write(format->write(report, format_options_))) {
      absl::StrAppend(&problem, problem.empty() ? "" : "; ", format->what, " could not be written to ",
                      file.path(), ": ", std::strerror(errno));
    }
  }
  files_.clear();
  if (annotates_) {
    Annotate(report);
  }
  return problem;
}

void Outputs::Annotate(const report::Report& report) const {
  const std::string annotations = report::ToGithub(report, format_options_);
  WriteAll(default_text_fd_, annotations);
  const std::string summary = EnvironmentOf("GITHUB_STEP_SUMMARY");
  struct stat status {};
  if (annotations.empty() || summary.empty() || stat(summary.c_str(), &status) != 0) {
    return;
  }
  // A summary beyond 1 MiB is dropped as a whole.
  constexpr size_t most = 900'000;
  report::FormatOptions options = format_options_;
  options.most_bytes = most - std::min(static_cast<size_t>(status.st_size), most);
  const std::string text = report::ToMarkdown(report, options);
  const int fd = open(summary.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC | O_NOCTTY);
  if (fd >= 0 && text.size() <= options.most_bytes) {
    WriteAll(fd, text);
  }
  if (fd >= 0) {
    close(fd);
  }
}

}  // namespace gordian::cli
