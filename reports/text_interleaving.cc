#include "reports/text_interleaving.h"

#include <algorithm>
#include <set>
#include <vector>

#include "absl/strings/str_cat.h"
#include "reports/frames.h"
#include "reports/text_style.h"

namespace gordian::report {
namespace {

constexpr size_t kMaxColumns = 3;
constexpr size_t kIndent = 4;
constexpr size_t kNumberWidth = 3;
constexpr char kBetween[] = " | ";

// Whom a thread joins, where the step itself names no lock.
std::string JoinTarget(const ReportFinding& finding, const ReportStep& step) {
  for (const ReportThread& thread : finding.threads) {
    if (thread.id == step.thread && step.action == "join" && thread.waits.kind == "join") {
      return " " + thread.waits.target;
    }
  }
  return "";
}

// It would have the lock together with others.
bool WaitsToShare(const ReportFinding& finding, const ReportStep& step) {
  return step.action == "blocks on" &&
         std::any_of(finding.threads.begin(), finding.threads.end(), [&step](const ReportThread& thread) {
           return thread.id == step.thread && thread.waits.target == step.lock &&
                  thread.waits.mode == "shared";
         });
}

// `lock` is the lock's name or its id.
std::string What(const ReportFinding& finding, const ReportStep& step, const std::string& lock) {
  return step.lock.empty()
             ? step.action + JoinTarget(finding, step)
             : absl::StrCat(step.action, " ", lock, WaitsToShare(finding, step) ? " (shared)" : "");
}

std::string What(const ReportFinding& finding, const ReportStep& step) {
  return What(finding, step, LockName(finding, step.lock));
}

std::string Where(const ReportStep& step) {
  const SourceFrame& frame = step.frame;
  return frame.function.empty() && frame.file.empty() && frame.module.empty() ? "" : ShortPlace(frame);
}

std::string ThreadTitle(const ReportFinding& finding, const std::string& id) {
  for (const ReportThread& thread : finding.threads) {
    if (thread.id == id) {
      return absl::StrCat(id, " ", thread.name);
    }
  }
  return id;
}

// The threads of the steps, each once, in the order of the finding.
std::vector<std::string> Columns(const ReportFinding& finding) {
  std::vector<std::string> columns;
  const auto has_step = [&finding](const std::string& id) {
    return std::any_of(finding.interleaving.begin(), finding.interleaving.end(),
                       [&id](const ReportStep& step) { return step.thread == id; });
  };
  for (const ReportThread& thread : finding.threads) {
    if (has_step(thread.id)) {
      columns.push_back(thread.id);
    }
  }
  return columns;
}

class Table {
 public:
  Table(size_t columns, size_t width)
      : columns_(columns), width_((width - kIndent - kNumberWidth - 3 * (columns - 1)) / columns) {}

  size_t width() const { return width_; }

  std::string Row(const std::string& number, size_t column, const std::string& cell) const {
    std::vector<std::string> cells(columns_);
    cells[column] = cell;
    return Row(number, cells);
  }

  std::string Row(const std::string& number, const std::vector<std::string>& cells) const {
    std::string line = absl::StrCat(std::string(kIndent, ' '), Fit(number, kNumberWidth));
    for (size_t i = 0; i < columns_; ++i) {
      absl::StrAppend(&line, i == 0 ? "" : kBetween, Fit(cells[i], width_));
    }
    line.erase(line.find_last_not_of(' ') + 1);
    return line + "\n";
  }

 private:
  size_t columns_;
  size_t width_;
};

std::string AsColumns(const ReportFinding& finding, const std::vector<std::string>& columns,
                      const TextOptions& options) {
  const Table table(columns.size(), options.width);
  std::vector<std::string> titles;
  titles.reserve(columns.size());
  for (const std::string& id : columns) {
    titles.push_back(ThreadTitle(finding, id));
  }
  std::string out = Paint(table.Row("", titles), Tone::kBold, options.color);
  std::set<std::string> by_id;  // locks whose names are too long for a column
  for (const ReportStep& step : finding.interleaving) {
    const auto place = std::find(columns.begin(), columns.end(), step.thread);
    const size_t column = place == columns.end() ? 0 : static_cast<size_t>(place - columns.begin());
    const std::string number = absl::StrCat(step.step);
    std::string what = What(finding, step);
    if (Width(what) > table.width() && !step.lock.empty()) {
      what = What(finding, step, step.lock);
      by_id.insert(step.lock);
    }
    const std::string where = Where(step);
    const std::string both = where.empty() ? what : absl::StrCat(what, "  ", where);
    if (Width(both) <= table.width()) {
      out += table.Row(number, column, both);
    } else {
      out += table.Row(number, column, what);
      out += where.empty() ? "" : table.Row("", column, absl::StrCat("  ", where));
    }
  }
  for (const std::string& id : by_id) {
    out += Wrap(absl::StrCat(std::string(kIndent + kNumberWidth, ' '), id, " is "), kIndent + kNumberWidth,
                LockName(finding, id), options);
  }
  return out;
}

std::string AsList(const ReportFinding& finding, const TextOptions& options) {
  std::string out;
  for (const ReportStep& step : finding.interleaving) {
    const std::string where = Where(step);
    const std::string first =
        absl::StrCat(std::string(kIndent, ' '), Fit(absl::StrCat(step.step), kNumberWidth));
    out += Wrap(first, kIndent + kNumberWidth,
                absl::StrCat(ThreadTitle(finding, step.thread), ": ", What(finding, step),
                             where.empty() ? "" : " at ", where),
                options);
  }
  return out;
}

}  // namespace

std::string LockName(const ReportFinding& finding, const std::string& id) {
  for (const ReportLock& lock : finding.locks) {
    if (lock.id == id) {
      return lock.name;
    }
  }
  return id;
}

std::string InterleavingText(const ReportFinding& finding, const TextOptions& options) {
  if (finding.interleaving.size() < 2) {
    return "";  // one step is no schedule; its stack says the same
  }
  const std::vector<std::string> columns = Columns(finding);
  return columns.empty() || columns.size() > kMaxColumns ? AsList(finding, options)
                                                         : AsColumns(finding, columns, options);
}

}  // namespace gordian::report
