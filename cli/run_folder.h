// The folder in which the traced processes of one run leave their traces, and the drop folder for those that
// changed their user id.
//
// On tmpfs where there is one with room: a trace is mapped memory, and a disk below it costs milliseconds.
// Both folders disappear with their RunFolder. Folders of runs whose gordian was killed are removed by the
// next run of the same user.
//
// Thread safety: none.
#ifndef GORDIAN_CLI_RUN_FOLDER_H_
#define GORDIAN_CLI_RUN_FOLDER_H_

#include <optional>
#include <string>

namespace gordian::cli {

class RunFolder {
 public:
  // kTrials: for what lies beside the runs of many trials, each of which has a folder of its own.
  enum class Use { kTraces, kTrials };
  // nullopt, and `why`: no place was found to write to.
  static std::optional<RunFolder> Create(Use use, std::string* why);
  // For a watcher: a folder that the shim made, to be removed in the same way.
  static RunFolder Adopt(const std::string& path);

  RunFolder(RunFolder&& other) noexcept;
  RunFolder& operator=(RunFolder&&) = delete;
  ~RunFolder();

  const std::string& path() const { return path_; }
  const std::string& drop() const { return drop_; }      // empty: none could be made
  const std::string& remark() const { return remark_; }  // for the coverage; empty: nothing to say

 private:
  RunFolder() = default;
  static std::optional<RunFolder> CreateBelow(const std::string& base, Use use, std::string* why);
  void MakeDropFolder();
  void Lock();

  std::string path_;
  std::string drop_;
  std::string remark_;
  int lock_fd_ = -1;  // holds a flock: tells other runs that this one is in use
};

}  // namespace gordian::cli

#endif  // GORDIAN_CLI_RUN_FOLDER_H_
