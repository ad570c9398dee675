#include "reports/source_place.h"

#include <algorithm>
#include <string_view>
#include <tuple>

#include "reports/frames.h"

namespace gordian::report {
namespace {

// Without "." and "..": compilers write what they were given.
std::string Normal(const std::string& path) {
  std::vector<std::string_view> parts;
  for (size_t begin = 0; begin <= path.size();) {
    const size_t end = std::min(path.find('/', begin), path.size());
    const std::string_view part = std::string_view(path).substr(begin, end - begin);
    if (part == ".." && !parts.empty() && parts.back() != "..") {
      parts.pop_back();
    } else if (!part.empty() && part != ".") {
      parts.push_back(part);
    }
    begin = end + 1;
  }
  std::string normal = path.starts_with('/') ? "/" : "";
  for (size_t p = 0; p < parts.size(); ++p) {
    normal.append(p == 0 ? "" : "/").append(parts[p]);
  }
  return normal;
}

std::vector<const SourceFrame*> FramesOf(const ReportFinding& finding) {
  std::vector<const SourceFrame*> frames = {&finding.primary};
  const auto add = [&frames](const Frames& stack) {
    if (!stack.empty()) {
      frames.push_back(&stack[PlaceIn(stack)]);
    }
  };
  for (const ReportThread& thread : finding.threads) {
    add(thread.waits.stack);
    for (const ReportHeld& held : thread.holds) {
      add(held.stack);
    }
    add(thread.at);
  }
  for (const ReportProcess& process : finding.processes) {
    add(process.created);
  }
  for (const ReportThread& thread : finding.threads) {
    add(thread.created);
  }
  return frames;
}

int Rank(const ReportFinding& finding) {
  return finding.level == "error" ? 0 : finding.level == "warning" ? 1 : 2;
}

}  // namespace

SourcePlace SourcePlaceOf(const SourceFrame& frame, const std::string& root) {
  SourcePlace place;
  place.function = frame.function;
  if (frame.file.empty()) {
    place.path = frame.module;
    return place;
  }
  place.line = frame.line;
  place.path = Normal(frame.file);
  const std::string below = root == "/" || root.empty() ? root : root + "/";
  if (!below.empty() && place.path.starts_with(below)) {
    place.path.erase(0, below.size());
  }
  place.in_tree =
      !place.path.starts_with('/') && !place.path.starts_with("..") && !place.path.starts_with('<');
  return place;
}

SourcePlace MainPlace(const ReportFinding& finding, const std::string& root) {
  SourcePlace best;
  int best_rank = 0;
  for (const SourceFrame* frame : FramesOf(finding)) {
    SourcePlace place = SourcePlaceOf(*frame, root);
    const int rank = place.in_tree ? 3 : place.line > 0 ? 2 : place.path.empty() ? 0 : 1;
    if (rank > best_rank) {
      best = std::move(place);
      best_rank = rank;
    }
  }
  return best;
}

std::vector<const ReportFinding*> WorstFirst(const Report& report) {
  std::vector<const ReportFinding*> findings;
  for (const ReportFinding& finding : report.findings) {
    findings.push_back(&finding);
  }
  std::stable_sort(findings.begin(), findings.end(), [](const ReportFinding* a, const ReportFinding* b) {
    return std::tuple(a->status != "new", Rank(*a), a->confidence != "confirmed") <
           std::tuple(b->status != "new", Rank(*b), b->confidence != "confirmed");
  });
  return findings;
}

}  // namespace gordian::report
