// Where the reports go. Everything is opened before the program starts, so that a wrong name costs nothing.
//
// Thread safety: none.
#ifndef GORDIAN_CLI_OUTPUTS_H_
#define GORDIAN_CLI_OUTPUTS_H_

#include <sys/types.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cli/options.h"
#include "cli/report_file.h"
#include "reports/formats.h"
#include "reports/report.h"

namespace gordian::cli {

// What the names of files may speak of: %p is the process id, %n the name of the program.
struct Subject {
  pid_t pid = 0;
  std::string program;
};

// `name` with %p, %n and %% filled in.
std::string FillIn(const std::string& name, const Subject& subject);

class Outputs {
 public:
  // nullopt, and `why`: a file cannot be written, or --out names a folder that is no place for a new run.
  // `default_text_fd`: where the text goes without --text.
  static std::optional<Outputs> Open(const Options& options, const Subject& subject, int default_text_fd,
                                     std::string* why);

  // For a command that records nothing: the text goes to standard output, or out of the JSON's way, and no
  // run is kept, whatever a configuration file says. nullopt: it has said why.
  static std::optional<Outputs> OpenWithoutRun(Options options, const Subject& subject);

  Outputs(Outputs&& other) noexcept;
  Outputs& operator=(Outputs&&) = delete;
  ~Outputs();

  // Writes at once. A reader that has gone away is no concern of the program's.
  void Text(const std::string& text) const;
  // A file that was asked for did not take all of the text.
  bool text_failed() const { return text_failed_; }
  // How text for there is set: colour, width, format, and how much of it.
  const report::TextOptions& style() const { return style_; }
  // The report in each format that was asked for. Returns what went wrong, empty if nothing.
  std::string Files(const report::Report& report);
  // Absolute; empty: the run is not kept.
  const std::string& out() const { return out_; }

 private:
  Outputs() = default;
  // Where GitHub Actions runs gordian, annotations and a summary of the step come by themselves.
  void Annotate(const report::Report& report) const;

  int text_fd_ = -1;
  bool owns_text_ = false;
  mutable bool text_failed_ = false;
  std::vector<std::pair<const report::Format*, ReportFile>> files_;
  report::FormatOptions format_options_;
  int default_text_fd_ = -1;
  bool annotates_ = false;
  report::TextOptions style_;
  std::string out_;
};

}  // namespace gordian::cli

#endif  // GORDIAN_CLI_OUTPUTS_H_
