// A file that a report goes to. Under its name there is the whole report or none: it is written beside it and
// renamed, and what stood there before is gone as soon as the file is opened, so that nobody takes the report
// of an earlier run for this one's. What is no regular file, or open already (a pipe, /dev/stdout), is added
// to.
//
// Thread safety: none.
#ifndef GORDIAN_CLI_REPORT_FILE_H_
#define GORDIAN_CLI_REPORT_FILE_H_

#include <optional>
#include <string>

namespace gordian::cli {

class ReportFile {
 public:
  enum class Mode { kReplace, kAppend };
  // nullopt, and `why`: it cannot be written. "-" is standard output, which the program may close.
  static std::optional<ReportFile> Open(const std::string& path, Mode mode, std::string* why);

  ReportFile(ReportFile&& other) noexcept;
  ReportFile& operator=(ReportFile&&) = delete;
  ~ReportFile();

  // Once. False, and errno: it could not be written.
  bool Write(const std::string& text);
  const std::string& path() const { return path_; }

 private:
  ReportFile() = default;
  bool WriteThrough(const std::string& text);
  bool WriteBeside(const std::string& text) const;

  std::string path_;    // as it was asked for
  std::string target_;  // behind symbolic links
  Mode mode_ = Mode::kReplace;
  int fd_ = -1;           // where it is not written beside
  bool is_alone_ = true;  // nobody else writes there
};

}  // namespace gordian::cli

#endif  // GORDIAN_CLI_REPORT_FILE_H_
