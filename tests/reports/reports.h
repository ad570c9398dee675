// Reports made by hand, for the tests of the formats.
#ifndef GORDIAN_TESTS_REPORTS_REPORTS_H_
#define GORDIAN_TESTS_REPORTS_REPORTS_H_

#include <string>

#include "reports/report.h"

namespace gordian::report {

inline SourceFrame Native(const std::string& function, const std::string& file, int line) {
  SourceFrame frame;
  frame.function = function;
  frame.file = file;
  frame.line = line;
  frame.module = "/opt/shop/bin/shopd";
  frame.offset = 0x1000 + static_cast<uint64_t>(line);
  return frame;
}

inline ReportThread CycleThread(const std::string& id, int tid, const std::string& name,
                                const std::string& held, const std::string& wanted, const Frames& held_at,
                                const Frames& wanted_at) {
  ReportThread thread;
  thread.id = id;
  thread.pid = 4711;
  thread.tid = tid;
  thread.name = name;
  thread.holds.push_back({held, "exclusive", held_at});
  thread.waits = {wanted, "lock", wanted_at};
  thread.created = {Native("main", "/src/shop/main.cc", 20)};
  return thread;
}

inline ReportFinding CycleFinding() {
  ReportFinding finding;
  finding.rule = "lock-order-cycle";
  finding.level = "error";
  finding.confidence = "potential";
  finding.fingerprint = "9c41e07a52d1b3f0";
  finding.title = "g_cache and g_config are locked in both orders";
  finding.explanation =
      "One thread locks g_config while it holds g_cache, another locks g_cache while it holds g_config. When "
      "both "
      "hold their first lock, neither can go on.";
  finding.fix = "Take the locks in one order, or both at once with std::scoped_lock(g_cache, g_config).";
  finding.suppression = "lock-order-cycle:g_cache -> g_config";
  finding.conditions = {{"distinct-threads", true, "loader and flush are different threads"},
                        {"no-common-gate", true, ""}};
  finding.locks = {{"L1", "g_cache", "mutex", "g_cache", 0x4040, {}},
                   {"L2", "g_config", "mutex", "g_config", 0x4080, {}}};
  const Frames outer = {Native("Server::Warm", "/src/shop/server.cc", 140),
                        Native("Server::Run", "/src/shop/server.cc", 33)};
  Frames held_at = {Native("std::mutex::lock", "/usr/include/c++/12/bits/std_mutex.h", 100),
                    Native("Cache::Load", "/src/shop/cache.cc", 71)};
  Frames wanted_at = {Native("Cache::Load", "/src/shop/cache.cc", 88)};
  held_at.insert(held_at.end(), outer.begin(), outer.end());
  wanted_at.insert(wanted_at.end(), outer.begin(), outer.end());
  finding.threads = {
      CycleThread("T1", 4712, "loader (tid 4712)", "L1", "L2", held_at, wanted_at),
      CycleThread("T2", 4713, "flush (tid 4713)", "L2", "L1",
                  {Native("Config::Flush", "/src/shop/config.cc", 55)},
                  {Native("Config::Flush", "/src/shop/config.cc", 61)}),
  };
  finding.interleaving = {{1, "T1", "lock", "L1", Native("Cache::Load", "/src/shop/cache.cc", 71)},
                          {2, "T2", "lock", "L2", Native("Config::Flush", "/src/shop/config.cc", 55)},
                          {3, "T1", "blocks on", "L2", Native("Cache::Load", "/src/shop/cache.cc", 88)},
                          {4, "T2", "blocks on", "L1", Native("Config::Flush", "/src/shop/config.cc", 61)}};
  finding.behind = {"main (tid 4711) waits for g_config"};
  finding.count = 3;
  return finding;
}

inline ReportFinding ZombieFinding(const std::string& level) {
  ReportFinding finding;
  finding.rule = "child-zombie";
  finding.level = level;
  finding.confidence = "confirmed";
  finding.fingerprint = "00000000000000ff";
  finding.title = "sleep (pid 4720) ended 3.1 s ago and was not waited for";
  finding.fix = "Call waitpid(4720) or ignore SIGCHLD.";
  finding.suppression = "child-zombie:Probe::Start";
  ReportProcess process;
  process.pid = 4720;
  process.ppid = 4711;
  process.command = "sleep 1";
  process.state = "zombie";
  process.created_how = "fork";
  process.created = {Native("Probe::Start", "/src/shop/probe.cc", 12)};
  process.ended = "exited 0";
  finding.processes = {process};
  return finding;
}

inline Report ReportOf(const std::vector<ReportFinding>& findings) {
  Report report;
  report.run.command = {"./shopd", "--port", "1"};
  report.run.started = "2026-03-01T10:20:30Z";
  report.run.seconds = 1.5;
  report.run.status = "exited 0";
  report.run.host = "build-7";
  report.run.version = "0.1.0";
  report.coverage.processes = 3;
  report.coverage.threads = 14;
  report.coverage.events = 120;
  report.findings = findings;
  return report;
}

}  // namespace gordian::report

#endif  // GORDIAN_TESTS_REPORTS_REPORTS_H_
