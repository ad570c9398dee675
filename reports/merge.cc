#include "reports/merge.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "reports/frames.h"

namespace gordian::report {
namespace {

std::string WhyNot(const ReportFinding& finding) {
  std::string key;
  for (const ReportCondition& condition : finding.conditions) {
    absl::StrAppend(&key, condition.holds ? "" : " ", condition.holds ? "" : condition.name);
  }
  return key;
}

void AddPlace(const char* what, const Frames& stack, std::vector<std::string>* parts) {
  if (stack.empty()) {
    return;
  }
  const SourceFrame frame = TopFrame(stack);
  parts->push_back(absl::StrCat(what, " ", frame.function, " ",
                                frame.file.empty() ? absl::StrCat(frame.module, "+", frame.offset)
                                                   : absl::StrCat(frame.file, ":", frame.line)));
}

int Badness(const ReportFinding& finding) {
  return (finding.level == "error"     ? 4
          : finding.level == "warning" ? 2
                                       : 0) +
         (finding.confidence == "confirmed" ? 1 : 0);
}

ReportPlace PlaceOf(const ReportFinding& finding) {
  return {finding.count, finding.title, finding.locks, finding.threads, finding.processes};
}

}  // namespace

std::string PlaceKey(const std::vector<ReportThread>& threads, const std::vector<ReportProcess>& processes) {
  std::vector<std::string> parts;
  for (const ReportThread& thread : threads) {
    for (const ReportHeld& held : thread.holds) {
      AddPlace("holds", held.stack, &parts);
    }
    AddPlace("waits", thread.waits.stack, &parts);
    AddPlace("at", thread.at, &parts);
  }
  for (const ReportProcess& process : processes) {
    AddPlace("process", process.created, &parts);
  }
  // Where a thread was created is the place of a finding that has no other.
  for (size_t t = 0; parts.empty() && t < threads.size(); ++t) {
    AddPlace("created", threads[t].created, &parts);
  }
  // A cycle begins at any of its threads.
  std::sort(parts.begin(), parts.end());
  std::string key;
  for (const std::string& part : parts) {
    absl::StrAppend(&key, part, "\n");
  }
  return key;
}

bool IsShownPlace(const ReportPlace& place, const ReportFinding& finding) {
  return PlaceKey(place.threads, place.processes) == PlaceKey(finding.threads, finding.processes);
}

void FindingMerger::Add(ReportFinding finding) {
  const std::string difference = are_near_misses_ ? WhyNot(finding) : "";
  const auto [known, is_new] = known_.try_emplace(finding.fingerprint + difference, merged_.size());
  // One that was merged before brings all of its places.
  std::vector<ReportPlace> places = std::exchange(finding.places, {});
  if (places.empty()) {
    places = {PlaceOf(finding)};
  }
  if (is_new) {
    merged_.push_back({std::move(finding), {}});
    AddPlaces(std::move(places), &merged_.back());
    return;
  }
  Merged& merged = merged_[known->second];
  const uint64_t count = merged.finding.count + finding.count;
  if (Badness(finding) > Badness(merged.finding)) {
    merged.finding = std::move(finding);
  }
  merged.finding.count = count;
  AddPlaces(std::move(places), &merged);
}

void FindingMerger::AddPlaces(std::vector<ReportPlace> places, Merged* merged) {
  for (ReportPlace& place : places) {
    const std::string key = PlaceKey(place.threads, place.processes);
    const auto [same, is_new] = merged->places.try_emplace(key, place);
    same->second.count += is_new ? 0 : place.count;
  }
}

std::vector<ReportFinding> FindingMerger::Take() {
  std::vector<ReportFinding> findings;
  for (Merged& merged : merged_) {
    ReportFinding& finding = findings.emplace_back(std::move(merged.finding));
    if (merged.places.size() < 2) {
      continue;
    }
    for (auto& [key, place] : merged.places) {
      finding.places.push_back(std::move(place));
    }
    // The place that the finding shows first, then those that were seen most often.
    std::stable_sort(finding.places.begin(), finding.places.end(),
                     [&](const ReportPlace& a, const ReportPlace& b) {
                       return std::tuple(IsShownPlace(a, finding), a.count) >
                              std::tuple(IsShownPlace(b, finding), b.count);
                     });
  }
  merged_.clear();
  known_.clear();
  return findings;
}

}  // namespace gordian::report
