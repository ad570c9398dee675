// `gordian ps`: a doctor for the process table. Zombies by the parent that does not wait for them, processes
// that outlived the one who started them, and threads that sleep where no signal reaches them.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/file_util.h"
#include "cli/final_report.h"
#include "cli/known.h"
#include "cli/message.h"
#include "cli/outputs.h"
#include "cli/watch/process_id.h"
#include "libsync/analyze/detector.h"
#include "libsync/inspect/proc.h"
#include "libsync/inspect/task_doing.h"

namespace gordian::cli {
namespace {

// None of the first three: all.
struct PsArguments {
  bool zombies = false;
  bool orphans = false;
  bool stuck = false;
  bool watch = false;
};

using analyze::Finding;
using analyze::ProcessPart;
using inspect::ProcStat;

constexpr size_t kShownProcesses = 10;
constexpr size_t kShownThreads = 4;
constexpr double kSecondsPerMinute = 60;

// One process at two looks: what only one of them saw comes and goes, and is nobody's mistake.
using Table = std::map<pid_t, ProcStat>;

Table Look() {
  Table table;
  for (ProcStat& stat : inspect::ListProcesses()) {
    const pid_t pid = stat.pid;
    table[pid] = std::move(stat);
  }
  return table;
}

// The same process in another look.
const ProcStat* Same(const ProcStat& stat, const Table& table) {
  const auto found = table.find(stat.pid);
  return found != table.end() && found->second.start_ticks == stat.start_ticks ? &found->second : nullptr;
}

std::string Duration(double seconds) {
  if (seconds < 2 * kSecondsPerMinute) {
    return absl::StrCat(std::lround(seconds), " s");
  }
  const double minutes = seconds / kSecondsPerMinute;
  return minutes < 120 ? absl::StrCat(std::lround(minutes), " min")
                       : absl::StrCat(std::lround(minutes / 60), " h");
}

// How long ago it was started.
double Age(const ProcStat& stat) {
  return static_cast<double>(NowNs() - std::min(NowNs(), inspect::MonotonicNs(stat.start_ticks))) / 1e9;
}

std::string NameOf(const ProcStat& stat) { return absl::StrCat(stat.comm, " (pid ", stat.pid, ")"); }

std::string Doing(pid_t pid) {
  std::string text;
  const std::vector<pid_t> tasks = inspect::ListTasks(pid);
  for (size_t t = 0; t < tasks.size() && t < kShownThreads; ++t) {
    const std::string doing = inspect::TaskDoing(pid, tasks[t]);
    if (!doing.empty()) {
      absl::StrAppend(&text, text.empty() ? "" : "; ",
                      tasks[t] == pid ? "the main thread" : absl::StrCat("thread ", tasks[t]), " ", doing);
    }
  }
  return text;
}

ProcessPart PartOf(const ProcStat& stat, std::string state) {
  ProcessPart part;
  part.pid = stat.pid;
  part.ppid = stat.ppid;
  part.command = CommandLine(stat);
  part.state = std::move(state);
  return part;
}

Finding NewFinding(const char* rule) {
  Finding finding;
  finding.rule = &analyze::RuleById(rule);
  finding.level = finding.rule->level;
  finding.confidence = finding.rule->confidence;
  return finding;
}

// Numbers that are still free, for the processes and threads of the whole machine.
std::optional<double> FreePids(const Table& table) {
  double most = 0;
  if (!absl::SimpleAtod(ReadSmallFile("/proc/sys/kernel/pid_max"), &most)) {
    return std::nullopt;
  }
  double used = 0;
  for (const auto& [pid, stat] : table) {
    used += static_cast<double>(std::max<int64_t>(stat.threads, 1));
  }
  return std::max(0.0, most - used);
}

// How fast they come, and how long until nobody can start a process.
std::string Rate(const std::vector<ProcStat>& zombies, const Table& table) {
  if (zombies.size() < 2) {
    return "";
  }
  const auto [oldest, newest] =
      std::minmax_element(zombies.begin(), zombies.end(),
                          [](const ProcStat& a, const ProcStat& b) { return a.start_ticks < b.start_ticks; });
  const double seconds = Age(*oldest) - Age(*newest);
  if (seconds < 1) {
    return "";
  }
  const double a_minute = static_cast<double>(zombies.size() - 1) / seconds * kSecondsPerMinute;
  std::string text = absl::StrCat("They were started at ", std::lround(a_minute * 10) / 10.0, " a minute. ");
  if (const std::optional<double> left = FreePids(table)) {
    absl::StrAppend(&text, "At this rate no process id is left in ",
                    Duration(*left / a_minute * kSecondsPerMinute), ". ");
  }
  return text;
}

Finding ZombiesOf(const ProcStat* parent, pid_t ppid, const std::vector<ProcStat>& zombies,
                  const Table& table) {
  Finding finding = NewFinding("child-zombie");
  finding.count = zombies.size();
  const std::string who = parent != nullptr ? NameOf(*parent) : absl::StrCat("pid ", ppid);
  std::map<std::string, int> commands;
  for (const ProcStat& zombie : zombies) {
    ++commands[zombie.comm];
  }
  std::string which;
  for (const auto& [command, count] : commands) {
    absl::StrAppend(&which, which.empty() ? "" : ", ", count, " ", command);
  }
  finding.title = absl::StrCat(
      who, " has not waited for ",
      zombies.size() == 1 ? "a child that ended" : absl::StrCat(zombies.size(), " children that ended"));
  finding.explanation = absl::StrCat("Zombies: ", which, ". The oldest was started ",
                                     Duration(Age(*std::min_element(zombies.begin(), zombies.end(),
                                                                    [](const ProcStat& a, const ProcStat& b) {
                                                                      return a.start_ticks < b.start_ticks;
                                                                    }))),
                                     " ago. ", Rate(zombies, table));
  if (inspect::IsProcessOne(ppid)) {
    absl::StrAppend(&finding.explanation, "Their parent is process 1",
                    ppid == 1 ? "" : " of a pid namespace, as in a container",
                    ": it is handed all orphans there, and does not wait for children.");
    finding.fix =
        "Run a process 1 that waits for every child: docker run --init, tini or dumb-init as the entry "
        "point, or "
        "shareProcessNamespace in a pod.";
  } else {
    const std::string doing = Doing(ppid);
    absl::StrAppend(&finding.explanation,
                    doing.empty() ? "" : absl::StrCat("Meanwhile their parent: ", doing, "."));
    finding.fix =
        absl::StrCat("Call waitpid() in ", who,
                     " for every child, or set SIGCHLD to SIG_IGN if nobody needs their status. Until then, "
                     "ending the parent frees them.");
  }
  for (size_t z = 0; z < zombies.size() && z < kShownProcesses; ++z) {
    finding.processes.push_back(PartOf(zombies[z], "zombie"));
  }
  if (parent != nullptr) {
    finding.processes.push_back(PartOf(*parent, "does not wait for them"));
  }
  return finding;
}

std::vector<Finding> Zombies(const Table& before, const Table& now) {
  std::map<pid_t, std::vector<ProcStat>> by_parent;
  for (const auto& [pid, stat] : now) {
    const ProcStat* earlier = Same(stat, before);
    // A main thread that ended before the others looks like one.
    if (IsDead(stat) && earlier != nullptr && IsDead(*earlier) && stat.ppid != getpid()) {
      by_parent[stat.ppid].push_back(stat);
    }
  }
  std::vector<Finding> findings;
  for (const auto& [ppid, zombies] : by_parent) {
    const auto parent = now.find(ppid);
    findings.push_back(ZombiesOf(parent == now.end() ? nullptr : &parent->second, ppid, zombies, now));
  }
  return findings;
}

// Process 1 has it, it is no session of its own, as daemons are, and the leader of its session has ended.
std::vector<Finding> Orphans(const Table& before, const Table& now) {
  std::vector<Finding> findings;
  for (const auto& [pid, stat] : now) {
    const bool orphan =
        stat.ppid == 1 && stat.session > 1 && stat.session != pid && !now.contains(stat.session);
    const ProcStat* earlier = Same(stat, before);
    if (!orphan || IsDead(stat) || earlier == nullptr || earlier->ppid != 1) {
      continue;
    }
    Finding finding = NewFinding("child-orphan");
    finding.title = absl::StrCat(NameOf(stat), " outlived the one who started it");
    finding.explanation =
        absl::StrCat("Process 1 inherited it, and the leader of its session, ", stat.session,
                     ", has ended. It was started ", Duration(Age(stat)), " ago. Now: ", Doing(pid), ".");
    finding.fix = "Stop and wait for children before ending, or start a daemon on purpose with setsid().";
    finding.processes.push_back(PartOf(stat, "running"));
    findings.push_back(std::move(finding));
  }
  return findings;
}

// Threads in an uninterruptible sleep at both looks, for the list below the findings.
std::set<pid_t> Stuck(const Table& before, const Table& now) {
  std::set<pid_t> pids;
  for (const auto& [pid, stat] : now) {
    const ProcStat* earlier = Same(stat, before);
    if (stat.state == 'D' && earlier != nullptr && earlier->state == 'D' &&
        earlier->cpu_ticks == stat.cpu_ticks) {
      pids.insert(pid);
    }
  }
  return pids;
}

std::vector<report::ReportSnapshot> DescribeStuck(const std::set<pid_t>& stuck, const Table& now) {
  std::vector<report::ReportSnapshot> processes;
  for (const pid_t pid : stuck) {
    const ProcStat& stat = now.at(pid);
    const std::string where = ReadSmallFile(absl::StrCat("/proc/", pid, "/wchan"));
    const std::string doing = Doing(pid);
    report::ReportTask task;
    task.tid = pid;
    task.name = NameOf(stat);
    task.verdict = "stuck";
    task.kind = "call";
    task.what = absl::StrCat("sleeps where no signal reaches it",
                             where.empty() || where == "0" ? "" : absl::StrCat(", in ", where),
                             doing.empty() ? "" : "; ", doing);
    report::ReportSnapshot process;
    process.pid = pid;
    process.ppid = stat.ppid;
    process.command = CommandLine(stat);
    process.threads.push_back(std::move(task));
    processes.push_back(std::move(process));
  }
  return processes;
}

struct Judged {
  std::vector<Finding> findings;
  std::vector<report::ReportSnapshot> stuck;
  trace::Run run;
};

Judged Judge(const PsArguments& arguments, uint64_t grace_ms) {
  const bool all = !arguments.zombies && !arguments.orphans && !arguments.stuck;
  const Table before = Look();
  std::this_thread::sleep_for(std::chrono::milliseconds(grace_ms));
  const Table now = Look();
  Judged judged;
  const auto add = [&judged](std::vector<Finding> more) {
    for (Finding& finding : more) {
      judged.findings.push_back(std::move(finding));
    }
  };
  if (all || arguments.zombies) {
    add(Zombies(before, now));
  }
  if (all || arguments.orphans) {
    add(Orphans(before, now));
  }
  if (all || arguments.stuck) {
    judged.stuck = DescribeStuck(Stuck(before, now), now);
  }
  for (const auto& [pid, stat] : now) {
    trace::Observed observed;
    observed.pid = pid;
    judged.run.observed.push_back(std::move(observed));
  }
  return judged;
}

int PsCommand(const Options& options, const PsArguments& arguments) {
  report::BuildOptions build_options;
  build_options.redact = options.redact;
  build_options.wrappers = options.wrappers;
  std::optional<std::string> told;  // with --watch, only what has changed is told
  for (;;) {
    const Judged judged = Judge(arguments, options.grace_ms);
    report::Report report = report::BuildReport(judged.run, judged.findings, build_options);
    report.snapshot = judged.stuck;
    MarkKnown(options, &report);
    std::string picture;
    for (const report::ReportFinding& finding : report.findings) {
      absl::StrAppend(&picture, finding.title, "\n");
    }
    for (const report::ReportSnapshot& process : judged.stuck) {
      absl::StrAppend(&picture, process.pid, " ", process.threads.front().what, "\n");
    }
    int exit_code = HasFailingFinding(report, options.fail_on) ? options.error_exitcode : 0;
    if (told != picture) {
      auto outputs = Outputs::OpenWithoutRun(options, {getpid(), "ps"});
      if (!outputs.has_value()) {
        return kExitGordian;
      }
      exit_code = WriteReports(std::move(report), &*outputs, exit_code);
      told = std::move(picture);
    }
    if (!arguments.watch) {
      return exit_code;
    }
  }
}

}  // namespace

void RegisterPs(CommandParser* line) {
  const auto arguments = std::make_shared<PsArguments>();
  Subcommand ps;
  ps.name = "ps";
  ps.help = "examine the process table: zombies, orphans, stuck processes";
  ps.shared = SharedOptions::kReport;
  ps.arguments = {
      {"--zombies", "", "only ended processes that nobody waited for", SetTrue(&arguments->zombies)},
      {"--orphans", "", "only processes that outlived the one who started them",
       SetTrue(&arguments->orphans)},
      {"--stuck", "", "only processes that sleep where no signal reaches them", SetTrue(&arguments->stuck)},
      {"--watch", "", "look again and again, and tell what has changed", SetTrue(&arguments->watch)},
  };
  ps.run = [arguments](const Invocation& invocation) { return PsCommand(invocation.options, *arguments); };
  ps.without_proc = kExitCannotInspect;
  line->Add(std::move(ps));
}

}  // namespace gordian::cli
