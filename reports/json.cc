// gordian.report/1: the JSON from which every other format can be made. docs/report.schema.json defines it.
// Unknown things are left out; nothing is null. Keys keep this order, so that reports can be compared as
// text.
#include "nlohmann/json.hpp"

#include "absl/strings/str_cat.h"
#include "reports/report.h"

namespace gordian::report {
namespace {

using Json = nlohmann::ordered_json;

void PutText(Json* json, const char* key, const std::string& value) {
  if (!value.empty()) {
    (*json)[key] = value;
  }
}

Json FrameJson(const SourceFrame& frame) {
  Json json = Json::object();
  PutText(&json, "function", frame.function);
  PutText(&json, "file", frame.file);
  if (frame.line > 0) {
    json["line"] = frame.line;
  }
  PutText(&json, "module", frame.module);
  json["offset"] = absl::StrCat("0x", absl::Hex(frame.offset));
  json["language"] = frame.language;
  if (frame.inlined) {
    json["inlined"] = true;
  }
  if (frame.inexact) {
    json["inexact"] = true;
  }
  return json;
}

Json FramesJson(const Frames& frames) {
  Json json = Json::array();
  for (const SourceFrame& frame : frames) {
    json.push_back(FrameJson(frame));
  }
  return json;
}

void PutFrames(Json* json, const char* key, const Frames& frames) {
  if (!frames.empty()) {
    (*json)[key] = FramesJson(frames);
  }
}

Json LockJson(const ReportLock& lock) {
  Json json;
  json["id"] = lock.id;
  json["name"] = lock.name;
  json["kind"] = lock.kind;
  json["class"] = lock.lock_class;
  json["address"] = absl::StrCat("0x", absl::Hex(lock.address));
  json["created"] = FramesJson(lock.created);
  return json;
}

Json ThreadJson(const ReportThread& thread) {
  Json json;
  json["id"] = thread.id;
  json["pid"] = thread.pid;
  json["tid"] = thread.tid;
  json["name"] = thread.name;
  PutText(&json, "role", thread.role);
  json["holds"] = Json::array();
  for (const ReportHeld& held : thread.holds) {
    json["holds"].push_back({{"lock", held.lock}, {"mode", held.mode}, {"stack", FramesJson(held.stack)}});
  }
  if (!thread.waits.kind.empty()) {
    Json waits;
    waits["for"] = thread.waits.target;
    waits["kind"] = thread.waits.kind;
    PutText(&waits, "note", thread.waits.note);
    waits["stack"] = FramesJson(thread.waits.stack);
    json["waits"] = waits;
  }
  PutFrames(&json, "at", thread.at);
  PutFrames(&json, "created", thread.created);
  return json;
}

Json ProcessJson(const ReportProcess& process) {
  Json json;
  json["pid"] = process.pid;
  json["ppid"] = process.ppid;
  json["command"] = process.command;
  PutText(&json, "state", process.state);
  PutText(&json, "created_how", process.created_how);
  json["created"] = FramesJson(process.created);
  PutText(&json, "ended", process.ended);
  return json;
}

Json StepJson(const ReportStep& step) {
  Json json;
  json["step"] = step.step;
  json["thread"] = step.thread;
  json["action"] = step.action;
  PutText(&json, "lock", step.lock);
  if (!step.frame.function.empty() || !step.frame.file.empty() || !step.frame.module.empty()) {
    json["frame"] = FrameJson(step.frame);
  }
  return json;
}

Json FindingJson(const ReportFinding& finding) {
  Json json;
  json["rule"] = finding.rule;
  json["level"] = finding.level;
  json["confidence"] = finding.confidence;
  json["fingerprint"] = finding.fingerprint;
  json["title"] = finding.title;
  json["explanation"] = finding.explanation;
  json["fix"] = finding.fix;
  json["suppression"] = finding.suppression;
  json["status"] = finding.status;
  json["conditions"] = Json::array();
  for (const ReportCondition& condition : finding.conditions) {
    json["conditions"].push_back(
        {{"name", condition.name}, {"holds", condition.holds}, {"because", condition.because}});
  }
  for (const char* key : {"interleaving", "locks", "threads", "processes"}) {
    json[key] = Json::array();
  }
  for (const ReportStep& step : finding.interleaving) {
    json["interleaving"].push_back(StepJson(step));
  }
  for (const ReportLock& lock : finding.locks) {
    json["locks"].push_back(LockJson(lock));
  }
  for (const ReportThread& thread : finding.threads) {
    json["threads"].push_back(ThreadJson(thread));
  }
  for (const ReportProcess& process : finding.processes) {
    json["processes"].push_back(ProcessJson(process));
  }
  json["behind"] = finding.behind;
  json["count"] = finding.count;
  return json;
}

Json TaskJson(const ReportTask& task) {
  Json json;
  json["tid"] = task.tid;
  json["name"] = task.name;
  json["verdict"] = task.verdict;
  json["what"] = task.what;
  PutText(&json, "kind", task.kind);
  if (task.timed) {
    json["timed"] = true;
  }
  json["stack"] = FramesJson(task.stack);
  return json;
}

Json SnapshotJson(const ReportSnapshot& process) {
  Json json;
  json["pid"] = process.pid;
  json["ppid"] = process.ppid;
  json["command"] = process.command;
  json["threads"] = Json::array();
  for (const ReportTask& task : process.threads) {
    json["threads"].push_back(TaskJson(task));
  }
  return json;
}

void PutUse(Json* json, const ReportUse& use) {
  (*json)["acquisitions"] = use.acquisitions;
  (*json)["contended"] = use.contended;
  (*json)["wait_ns"] = use.wait_ns;
  (*json)["max_wait_ns"] = use.most_wait_ns;
  (*json)["hold_ns"] = use.hold_ns;
  (*json)["max_hold_ns"] = use.most_hold_ns;
}

Json ProfileJson(const ReportProfile& profile) {
  Json json;
  json["name"] = profile.name;
  PutText(&json, "kind", profile.kind);
  json["class"] = profile.lock_class;
  PutUse(&json, profile.use);
  json["sites"] = Json::array();
  for (const ReportProfileSite& site : profile.sites) {
    Json shown;
    shown["mode"] = site.mode;
    PutUse(&shown, site.use);
    shown["stack"] = FramesJson(site.stack);
    json["sites"].push_back(std::move(shown));
  }
  return json;
}

Json RunJson(const Report& report) {
  Json json;
  json["command"] = report.command;
  json["started"] = report.started;
  json["seconds"] = report.seconds;
  json["status"] = report.status;
  json["host"] = report.host;
  json["version"] = report.version;
  return json;
}

}  // namespace

std::string ToJson(const Report& report) {
  Json json;
  json["schema"] = "gordian.report/1";
  json["run"] = RunJson(report);
  json["coverage"] = {{"processes", report.coverage.processes},
                      {"threads", report.coverage.threads},
                      {"events", report.coverage.events},
                      {"dropped", report.coverage.dropped},
                      {"unseen", report.coverage.unseen}};
  json["summary"] = {
      {"error", report.Count("error")}, {"warning", report.Count("warning")}, {"note", report.Count("note")}};
  json["findings"] = Json::array();
  for (const ReportFinding& finding : report.findings) {
    json["findings"].push_back(FindingJson(finding));
  }
  if (report.near_misses.has_value()) {
    json["near_misses"] = Json::array();
    for (const ReportFinding& near_miss : *report.near_misses) {
      json["near_misses"].push_back(FindingJson(near_miss));
    }
  }
  json["profile"] = Json::array();
  for (const ReportProfile& profile : report.profile) {
    json["profile"].push_back(ProfileJson(profile));
  }
  for (const ReportSnapshot& process : report.snapshot) {
    json["snapshot"].push_back(SnapshotJson(process));
  }
  // Names come from the target and may be any bytes; JSON must be UTF-8.
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace gordian::report
