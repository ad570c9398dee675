// SARIF 2.1.0, as code-scanning services take it: one run, one location in the source tree for each result,
// a thread flow for each thread. What is known is marked and not left out, so that alerts do not come and go.
#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "libsync/analyze/rule_pages.h"
#include "nlohmann/json.hpp"
#include "reports/formats.h"
#include "reports/frames.h"
#include "reports/source_place.h"
#include "reports/text_style.h"

namespace gordian::report {
namespace {

using Json = nlohmann::ordered_json;

// What code-scanning services take of a run and of a result.
constexpr size_t kMostResults = 5000;
constexpr size_t kMostRelated = 100;
constexpr size_t kMostFlowLocations = 1000;
constexpr size_t kMostStackFrames = 50;
constexpr char kRoot[] = "%SRCROOT%";

std::string Encoded(const std::string& path) {
  constexpr std::string_view plain = "-._~/+";
  std::string uri;
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    const bool is_plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                          plain.find(c) != std::string_view::npos;
    if (is_plain) {
      uri += c;
    } else {
      absl::StrAppend(&uri, "%", absl::Hex(byte, absl::kZeroPad2));
    }
  }
  return uri;
}

// Brackets before a parenthesis would be a link, and names come from the target.
Json Message(const std::string& text) { return {{"text", absl::StrReplaceAll(text, {{"](", "] ("}})}}; }

class SarifWriter {
 public:
  SarifWriter(const Report& report, const FormatOptions& options) : report_(report), options_(options) {}

  Json Run() {
    Json results = Json::array();
    const std::vector<const ReportFinding*> findings = WorstFirst(report_);
    for (const ReportFinding* finding : findings) {
      if (results.size() == kMostResults) {
        notes_.push_back(absl::StrCat(findings.size() - kMostResults, " more findings were left out"));
        break;
      }
      results.push_back(Result(*finding));
    }
    Json run;
    run["tool"]["driver"] = {{"name", "Gordian"}, {"version", report_.run.version}, {"rules", rules_}};
    run["invocations"] = Json::array({Invocation()});
    if (!options_.source_root.empty()) {
      run["originalUriBaseIds"][kRoot]["uri"] =
          absl::StrCat("file://", Encoded(options_.source_root), options_.source_root == "/" ? "" : "/");
    }
    run["columnKind"] = "utf16CodeUnits";
    run["results"] = std::move(results);
    return run;
  }

 private:
  size_t RuleIndex(const std::string& id) {
    const auto [known, is_new] = rule_index_.emplace(id, rules_.size());
    if (!is_new) {
      return known->second;
    }
    Json rule = {{"id", id}};
    for (const analyze::RulePage& page : analyze::RulePages()) {
      if (page.id == id) {
        rule["shortDescription"] = Message(page.what);
        rule["fullDescription"] = Message(page.why);
        rule["help"] = Message(page.fix);
        rule["defaultConfiguration"]["level"] = page.level == analyze::Level::kError     ? "error"
                                                : page.level == analyze::Level::kWarning ? "warning"
                                                                                         : "note";
        rule["properties"]["tags"] = {"concurrency", "reliability"};
      }
    }
    rules_.push_back(std::move(rule));
    return known->second;
  }

  Json Invocation() const {
    Json invocation;
    invocation["executionSuccessful"] = true;
    if (report_.exit_code.has_value()) {
      invocation["exitCode"] = *report_.exit_code;
    }
    if (!report_.run.started.empty()) {
      invocation["startTimeUtc"] = report_.run.started;
    }
    Json notifications = Json::array();
    for (const std::vector<std::string>* list : {&report_.coverage.unseen, &notes_}) {
      for (const std::string& sentence : *list) {
        notifications.push_back({{"level", "warning"}, {"message", Message(sentence)}});
      }
    }
    if (!notifications.empty()) {
      invocation["toolExecutionNotifications"] = std::move(notifications);
    }
    return invocation;
  }

  Json Location(const SourcePlace& place) const {
    Json location;
    if (!place.path.empty()) {
      Json artifact;
      const bool absolute = place.path.starts_with('/');
      artifact["uri"] = absl::StrCat(absolute ? "file://" : "", Encoded(place.path));
      if (place.in_tree && !options_.source_root.empty()) {
        artifact["uriBaseId"] = kRoot;
      }
      location["physicalLocation"]["artifactLocation"] = std::move(artifact);
      if (place.line > 0) {
        location["physicalLocation"]["region"]["startLine"] = place.line;
      }
    }
    if (!place.function.empty()) {
      location["logicalLocations"] =
          Json::array({{{"fullyQualifiedName", place.function}, {"kind", "function"}}});
    }
    return location;
  }

  Json Location(const SourceFrame& frame, const std::string& message) const {
    Json location = Location(SourcePlaceOf(frame, options_.source_root));
    location["message"] = Message(message);
    return location;
  }

  Json Result(const ReportFinding& finding) {
    Json result;
    result["ruleId"] = finding.rule;
    result["ruleIndex"] = RuleIndex(finding.rule);
    result["level"] = finding.level;
    result["message"] =
        Message(absl::StrCat(finding.title, "\n\n", finding.explanation, "\n\nFix: ", finding.fix));
    result["locations"] = Json::array({Location(MainPlace(finding, options_.source_root))});
    result["partialFingerprints"]["gordianFinding/v1"] = finding.fingerprint;
    if (report_.baseline.has_value()) {
      result["baselineState"] = finding.status == "baseline" ? "unchanged" : "new";
    }
    if (finding.status == "suppressed") {
      Json suppression = {{"kind", "external"}, {"status", "accepted"}};
      if (!finding.suppressed_because.empty()) {
        suppression["justification"] = finding.suppressed_because;
      }
      result["suppressions"] = Json::array({std::move(suppression)});
    } else if (!report_.suppressions.empty()) {
      result["suppressions"] = Json::array();
    }
    if (Json flows = ThreadFlows(finding); !flows.empty()) {
      result["codeFlows"] = Json::array({{{"threadFlows", std::move(flows)}}});
    }
    if (Json stacks = Stacks(finding); !stacks.empty()) {
      result["stacks"] = std::move(stacks);
    }
    if (Json related = Related(finding); !related.empty()) {
      result["relatedLocations"] = std::move(related);
    }
    result["occurrenceCount"] = std::max<uint64_t>(finding.count, 1);
    result["properties"] = {{"confidence", finding.confidence}, {"suppression", finding.suppression}};
    return result;
  }

  // What each thread did, in the order of the schedule that hangs.
  Json ThreadFlows(const ReportFinding& finding) const {
    std::map<std::string, Json> locations;
    size_t count = 0;
    for (const ReportStep& step : finding.interleaving) {
      if (++count > kMostFlowLocations) {
        break;
      }
      Json place = {
          {"location", Location(step.frame, absl::StrCat(step.action, " ", LockNameOf(finding, step.lock)))}};
      place["executionOrder"] = step.step;
      place["importance"] = "essential";
      locations[step.thread].push_back(std::move(place));
    }
    Json flows = Json::array();
    for (const ReportThread& thread : finding.threads) {
      const auto own = locations.find(thread.id);
      if (own != locations.end()) {
        flows.push_back({{"id", thread.id},
                         {"message", Message(absl::StrCat(thread.id, " ", thread.name))},
                         {"locations", std::move(own->second)}});
      }
    }
    return flows;
  }

  static std::string LockNameOf(const ReportFinding& finding, const std::string& id) {
    for (const ReportLock& lock : finding.locks) {
      if (lock.id == id) {
        return lock.name;
      }
    }
    return id;
  }

  // `visit(what, stack)` for each stack of the finding.
  template <typename Visit>
  static void ForEachStack(const ReportFinding& finding, const Visit& visit) {
    for (const ReportThread& thread : finding.threads) {
      const std::string who = absl::StrCat(thread.id, " ", thread.name);
      for (const ReportHeld& held : thread.holds) {
        visit(absl::StrCat(who, " holds ", LockNameOf(finding, held.lock), ", locked here"), held.stack);
      }
      visit(absl::StrCat(who, " waits for ", LockNameOf(finding, thread.waits.target), " here"),
            thread.waits.stack);
      visit(absl::StrCat(who, " is here"), thread.at);
      visit(absl::StrCat(who, " was created here"), thread.created);
    }
    for (const ReportProcess& process : finding.processes) {
      visit(absl::StrCat("pid ", process.pid, " ", process.command, " was created here"), process.created);
    }
  }

  Json Stacks(const ReportFinding& finding) const {
    Json stacks = Json::array();
    ForEachStack(finding, [&](const std::string& what, const Frames& stack) {
      Json frames = Json::array();
      for (const SourceFrame& frame : stack) {
        if (frames.size() < kMostStackFrames) {
          frames.push_back({{"location", Location(SourcePlaceOf(frame, options_.source_root))},
                            {"module", BaseName(frame.module)}});
        }
      }
      if (!frames.empty()) {
        stacks.push_back({{"message", Message(what)}, {"frames", std::move(frames)}});
      }
    });
    return stacks;
  }

  Json Related(const ReportFinding& finding) const {
    Json related = Json::array();
    ForEachStack(finding, [&](const std::string& what, const Frames& stack) {
      if (!stack.empty() && related.size() < kMostRelated) {
        Json location = {{"id", related.size()}};
        location.update(Location(TopFrame(stack), what));
        related.push_back(std::move(location));
      }
    });
    return related;
  }

  const Report& report_;
  const FormatOptions& options_;
  Json rules_ = Json::array();
  std::map<std::string, size_t> rule_index_;
  std::vector<std::string> notes_;
};

}  // namespace

std::string ToSarif(const Report& report, const FormatOptions& options) {
  const Report printable = PrintableReport(report);
  Json log;
  log["$schema"] = "https://json.schemastore.org/sarif-2.1.0.json";
  log["version"] = "2.1.0";
  log["runs"] = Json::array({SarifWriter(printable, options).Run()});
  return EscapeInJson(log.dump(1, ' ', false, Json::error_handler_t::replace)) + "\n";
}

}  // namespace gordian::report
