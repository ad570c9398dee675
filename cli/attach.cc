// `gordian attach PID...`: explains processes that were never started under gordian, without stopping them.
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <system_error>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/file_util.h"
#include "cli/message.h"
#include "cli/outputs.h"
#include "cli/partners.h"
#include "cli/waits_report.h"
#include "libsync/inspect/permission.h"
#include "libsync/inspect/proc.h"
#include "libsync/inspect/survey.h"

namespace gordian::cli {
namespace {

struct AttachArguments {
  std::vector<int32_t> pids;
  std::vector<int32_t> trees;  // with all that descends from them
  std::vector<std::string> cgroups;
  bool stop = false;
};

// A process and all that descend from it, parents first.
std::vector<pid_t> TreeOf(pid_t root) {
  std::multimap<pid_t, pid_t> children;
  for (const inspect::ProcStat& stat : inspect::ListProcesses()) {
    children.emplace(stat.ppid, stat.pid);
  }
  std::vector<pid_t> tree = {root};
  std::set<pid_t> known = {root};
  for (size_t at = 0; at < tree.size(); ++at) {
    const auto [first, last] = children.equal_range(tree[at]);
    for (auto child = first; child != last; ++child) {
      if (known.insert(child->second).second) {
        tree.push_back(child->second);
      }
    }
  }
  return tree;
}

// Where a group lies: `group` is its folder, or its name in /proc/PID/cgroup, which is below a folder of its
// hierarchy where there is more than one (version 1).
std::vector<std::string> PlacesOf(const std::string& group) {
  const std::string root = "/sys/fs/cgroup";
  std::error_code error;
  const std::string place = absl::StartsWith(group, root) ? group : absl::StrCat(root, "/", group);
  if (std::filesystem::exists(place, error)) {
    return {place};
  }
  std::vector<std::string> places;
  for (const auto& hierarchy : std::filesystem::directory_iterator(root, error)) {
    const std::string below = absl::StrCat(hierarchy.path().string(), "/", group);
    if (std::filesystem::exists(below, error)) {
      places.push_back(below);
    }
  }
  return places;
}

std::vector<pid_t> MembersOf(const std::string& group) {
  std::error_code error;
  std::vector<std::string> folders = PlacesOf(group);
  for (size_t place = 0, places = folders.size(); place < places; ++place) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(
             folders[place], std::filesystem::directory_options::skip_permission_denied, error)) {
      if (entry.is_directory(error)) {
        folders.push_back(entry.path());
      }
    }
  }
  std::vector<pid_t> pids;
  for (const std::string& folder : folders) {
    const std::string members = ReadSmallFile(folder + "/cgroup.procs", size_t{1} << 24);
    for (const absl::string_view line : absl::StrSplit(members, '\n')) {
      if (pid_t pid = 0; absl::SimpleAtoi(line, &pid) && pid > 0) {
        pids.push_back(pid);
      }
    }
  }
  return pids;
}

std::vector<pid_t> Wanted(const AttachArguments& arguments) {
  std::vector<pid_t> pids;
  const auto add = [&pids](pid_t pid) {
    if (pid != getpid() && std::find(pids.begin(), pids.end(), pid) == pids.end()) {
      pids.push_back(pid);
    }
  };
  for (const pid_t pid : arguments.pids) {
    add(pid);
  }
  for (const pid_t root : arguments.trees) {
    for (const pid_t pid : TreeOf(root)) {
      add(pid);
    }
  }
  for (const std::string& group : arguments.cgroups) {
    for (const pid_t pid : MembersOf(group)) {
      add(pid);
    }
  }
  return pids;
}

std::string WhyRefused(const inspect::Refusal& refusal) {
  if (refusal.why == inspect::Refusal::Why::kGone) {
    return absl::StrCat("there is no process ", refusal.pid);
  }
  return absl::StrCat("cannot look into process ", refusal.pid, ": ",
                      inspect::WhyNotPermitted(inspect::ReadAccess(refusal.pid)));
}

std::string NameOf(pid_t pid) {
  const auto stat = inspect::ReadStat(pid);
  return stat.has_value() ? stat->comm : "";
}

// Asked for by its number, not found on the way through a tree.
bool IsNamed(const AttachArguments& arguments, pid_t pid) {
  const auto in = [pid](const std::vector<int32_t>& pids) {
    return std::find(pids.begin(), pids.end(), pid) != pids.end();
  };
  return in(arguments.pids) || in(arguments.trees);
}

int AttachCommand(const Options& options, const AttachArguments& arguments) {
  if (arguments.pids.empty() && arguments.trees.empty() && arguments.cgroups.empty()) {
    Message("attach: name a process by its number: gordian attach PID");
    return kExitUsage;
  }
  const std::vector<pid_t> pids = Wanted(arguments);
  const pid_t first = pids.empty() ? getpid() : pids.front();
  auto outputs = Outputs::OpenWithoutRun(options, {first, NameOf(first)});
  if (!outputs.has_value()) {
    return kExitGordian;
  }
  inspect::SurveyOptions survey_options;
  survey_options.stop = arguments.stop;
  inspect::Survey survey = SurveyWithPartners(pids, survey_options);
  bool refused = survey.run.processes.empty();
  for (const inspect::Refusal& refusal : survey.refused) {
    if (IsNamed(arguments, refusal.pid)) {
      Message(WhyRefused(refusal));
      refused = true;
    } else {
      survey.run.lost.push_back(WhyRefused(refusal));
    }
  }
  if (pids.empty()) {
    Message("there is no process in that control group");
  }
  if (refused) {
    return kExitCannotInspect;
  }
  return ReportWaits(survey.run, options, &*outputs);
}

}  // namespace

void RegisterAttach(CommandParser* line) {
  const auto arguments = std::make_shared<AttachArguments>();
  Subcommand attach;
  attach.name = "attach";
  attach.help = "explain what running processes wait for, however they were started, without stopping them";
  attach.shared = SharedOptions::kReport;
  attach.arguments = {
      {"PID", "PID", "the processes to look at", AddPid(&arguments->pids), true},
      {"--tree", "PID", "also process PID and all that descend from it", AddPid(&arguments->trees), true},
      {"--cgroup", "PATH", "also all processes of a control group and those below it",
       [arguments](const std::string& path) {
         arguments->cgroups.push_back(path);
         return std::string();
       },
       true},
      {"--stop", "", "stop threads that run or wait for a lock for a moment, for their exact stacks",
       SetTrue(&arguments->stop)},
  };
  attach.run = [arguments](const Invocation& invocation) {
    return AttachCommand(invocation.options, *arguments);
  };
  attach.without_proc = kExitCannotInspect;
  line->Add(std::move(attach));
}

}  // namespace gordian::cli
