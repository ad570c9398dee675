// The part of a Run that no trace holds, as run.json; and the reading of a whole run directory.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>
#include <string_view>
#include <type_traits>
#include <unordered_set>
#include <utility>

#include "libsync/trace/file.h"
#include "libsync/trace/reader.h"

namespace gordian::trace {
namespace {

using Json = nlohmann::ordered_json;

constexpr char kRunFile[] = "run.json";
constexpr char kSchema[] = "gordian.run/1";
constexpr uint64_t kMaxRunFileBytes = uint64_t{256} << 20;

std::string RunPath(const std::string& directory) {
  return (std::filesystem::path(directory) / kRunFile).string();
}

Json ToJson(const Observed& observed) {
  Json json = {
      {"pid", observed.pid},
      {"start_ticks", observed.start_ticks},
      {"start_ns", observed.start_ns},
      {"creator", observed.creator},
      {"session", observed.session},
      {"command", observed.command},
      {"zombie_ms", observed.zombie_ms},
      {"creator_awaits", observed.creator_awaits},
      {"reaped_late", observed.reaped_late},
      {"outlived_ms", observed.outlived_ms},
      {"alive_at_end", observed.alive_at_end},
      {"ended_by_gordian", observed.ended_by_gordian},
      {"own_session", observed.own_session},
      {"creator_doing", observed.creator_doing},
      {"unseen", observed.unseen},
  };
  if (observed.status) {
    json["status"] = *observed.status;
  }
  if (observed.zombie_status) {
    json["zombie_status"] = *observed.zombie_status;
  }
  return json;
}

Json ToJson(const Run& run) {
  Json json = {
      {"schema", kSchema},
      {"command", run.command},
      {"root_pid", run.root_pid},
      {"start_real_ns", run.start_real_ns},
      {"duration_ns", run.duration_ns},
      {"over", run.over},
      {"ended_by_gordian", run.ended_by_gordian},
      {"lost", run.lost},
      {"observed", Json::array()},
  };
  if (run.root_status) {
    json["root_status"] = *run.root_status;
  }
  for (const Observed& observed : run.observed) {
    json["observed"].push_back(ToJson(observed));
  }
  return json;
}

// Reads the members of one object, and remembers whether any of them was not of its type.
class Members {
 public:
  explicit Members(const Json& json) : json_(json), good_(json.is_object()) {}

  bool good() const { return good_; }

  void Take(const char* name, bool* value) {
    if (const Json* found = Find(name)) {
      good_ = good_ && found->is_boolean();
      *value = found->is_boolean() && found->get<bool>();
    }
  }
  void Take(const char* name, std::string* value) {
    if (const Json* found = Find(name)) {
      good_ = good_ && found->is_string();
      *value = found->is_string() ? found->get<std::string>() : "";
    }
  }
  template <typename T>
  requires std::is_integral_v<T>
  void Take(const char* name, T* value) {
    const Json* found = Find(name);
    if (found == nullptr) {
      return;
    }
    if (found->is_number_unsigned() && std::in_range<T>(found->get<uint64_t>())) {
      *value = static_cast<T>(found->get<uint64_t>());
    } else if (found->is_number_integer() && !found->is_number_unsigned() &&
               std::in_range<T>(found->get<int64_t>())) {
      *value = static_cast<T>(found->get<int64_t>());
    } else {
      Refuse();
    }
  }
  template <typename T>
  void Take(const char* name, std::optional<T>* value) {
    if (Find(name) != nullptr) {
      value->emplace();
      Take(name, &**value);
    }
  }
  void Take(const char* name, std::vector<std::string>* value) {
    for (const Json& item : List(name)) {
      if (item.is_string()) {
        value->push_back(item.get<std::string>());
      } else {
        Refuse();
      }
    }
  }

  // The array of this name; an empty one when there is none.
  const Json& List(const char* name) {
    static const Json empty_list = Json::array();
    const Json* found = Find(name);
    if (found != nullptr && !found->is_array()) {
      Refuse();
      return empty_list;
    }
    return found != nullptr ? *found : empty_list;
  }

  void Refuse() { good_ = false; }

 private:
  const Json* Find(const char* name) const {
    if (!json_.is_object()) {
      return nullptr;
    }
    const auto found = json_.find(name);
    return found != json_.end() ? &*found : nullptr;
  }

  const Json& json_;
  bool good_;
};

bool FromJson(const Json& json, Observed* observed) {
  Members members(json);
  members.Take("pid", &observed->pid);
  members.Take("start_ticks", &observed->start_ticks);
  members.Take("start_ns", &observed->start_ns);
  members.Take("creator", &observed->creator);
  members.Take("session", &observed->session);
  members.Take("command", &observed->command);
  members.Take("status", &observed->status);
  members.Take("ended_by_gordian", &observed->ended_by_gordian);
  members.Take("zombie_status", &observed->zombie_status);
  members.Take("zombie_ms", &observed->zombie_ms);
  members.Take("creator_awaits", &observed->creator_awaits);
  members.Take("reaped_late", &observed->reaped_late);
  members.Take("outlived_ms", &observed->outlived_ms);
  members.Take("alive_at_end", &observed->alive_at_end);
  members.Take("own_session", &observed->own_session);
  members.Take("creator_doing", &observed->creator_doing);
  members.Take("unseen", &observed->unseen);
  return members.good();
}

// False: some of it was not as WriteRunInfo writes it; the rest is in `run`.
bool FromJson(const Json& json, Run* run) {
  Members members(json);
  members.Take("command", &run->command);
  members.Take("root_pid", &run->root_pid);
  members.Take("root_status", &run->root_status);
  members.Take("start_real_ns", &run->start_real_ns);
  members.Take("duration_ns", &run->duration_ns);
  members.Take("over", &run->over);
  members.Take("ended_by_gordian", &run->ended_by_gordian);
  members.Take("lost", &run->lost);
  for (const Json& item : members.List("observed")) {
    Observed observed;
    if (FromJson(item, &observed)) {
      run->observed.push_back(std::move(observed));
    } else {
      members.Refuse();
    }
  }
  return members.good();
}

bool Exists(const std::string& path) {
  struct stat status;
  return lstat(path.c_str(), &status) == 0;
}

// A sentence on what is wrong with run.json, empty when nothing is.
std::string ReadRunInfo(const std::string& path, Run* run) {
  std::string why;
  const std::optional<SafeFile> file = SafeFile::Open(path, /*any_owner=*/true, &why);
  if (!file) {
    return std::string(kRunFile) + " " + why + ".";
  }
  if (file->size() > kMaxRunFileBytes) {
    return std::string(kRunFile) + " is too large to be read.";
  }
  std::string text(file->size(), '\0');
  text.resize(file->ReadAt(0, text.data(), text.size()));
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) {
    return std::string(kRunFile) + " is damaged: it is not a JSON object.";
  }
  if (json.value("schema", Json()) != kSchema) {
    return std::string(kRunFile) + " is not of the schema " + kSchema + ".";
  }
  if (!FromJson(json, run)) {
    return std::string(kRunFile) + " is damaged: some of its members are not of their types.";
  }
  return "";
}

// The watcher may have put sentences into run.json that the directory still gives rise to.
void AddOnce(const std::vector<std::string>& sentences, std::vector<std::string>* lost) {
  std::unordered_set<std::string> known(lost->begin(), lost->end());
  for (const std::string& sentence : sentences) {
    if (known.insert(sentence).second) {
      lost->push_back(sentence);
    }
  }
}

void ReadTraceOf(const std::string& path, Run* run, std::vector<std::string>* sentences) {
  const std::string name = std::filesystem::path(path).filename().string();
  std::string why;
  std::optional<Process> process = ReadProcess(path, &why, /*any_owner=*/true);
  if (!process) {
    sentences->push_back("The trace " + name + " could not be read: it " + why + ".");
    return;
  }
  if (!process->damage.empty()) {
    sentences->push_back("The trace " + name + " is damaged: " + process->damage + ".");
  }
  if (run->over) {
    MarkEnded(&*process);
  }
  run->processes.push_back(std::move(*process));
}

bool WriteAll(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(fd, text.data(), text.size());
    if (written < 0 && errno != EINTR) {
      return false;
    }
    text.remove_prefix(written > 0 ? static_cast<size_t>(written) : 0);
  }
  return true;
}

}  // namespace

// Written beside and renamed: a reader, or a full disk, never sees half of it.
bool WriteRunInfo(const Run& run, const std::string& directory, std::string* why) {
  const std::string path = RunPath(directory);
  const std::string draft = path + ".new";
  const std::string text = ToJson(run).dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
  unlink(draft.c_str());
  const int fd = open(draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  bool good = fd >= 0 && WriteAll(fd, text);
  int error = errno;
  // A full disk may show at the close only.
  if (fd >= 0 && close(fd) != 0 && good) {
    good = false;
    error = errno;
  }
  if (good && rename(draft.c_str(), path.c_str()) != 0) {
    good = false;
    error = errno;
  }
  if (!good) {
    if (fd >= 0) {
      unlink(draft.c_str());
    }
    *why = path + " cannot be written: " + strerror(error);
  }
  return good;
}

// Whoever names a kept run wants it read, whoever recorded it: owners are not asked.
std::optional<Run> ReadRun(const std::string& directory, std::string* why) {
  std::error_code error;
  if (!std::filesystem::is_directory(directory, error)) {
    *why = directory + (error || !Exists(directory) ? " does not exist" : " is not a directory");
    return std::nullopt;
  }
  const std::vector<std::string> traces = ListTraces(directory);
  const std::vector<std::string> lost = ListLost(directory);
  const std::string run_path = RunPath(directory);
  const bool has_info = Exists(run_path);
  if (traces.empty() && lost.empty() && !has_info) {
    *why = directory + " holds no run: there is neither a trace nor a run.json in it";
    return std::nullopt;
  }
  Run run;
  std::vector<std::string> sentences;
  if (has_info) {
    if (const std::string damage = ReadRunInfo(run_path, &run); !damage.empty()) {
      sentences.push_back(damage);
    }
  }
  sentences.insert(sentences.end(), lost.begin(), lost.end());
  for (const std::string& path : traces) {
    ReadTraceOf(path, &run, &sentences);
  }
  AddOnce(sentences, &run.lost);
  return run;
}

}  // namespace gordian::trace
