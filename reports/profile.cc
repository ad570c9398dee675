#include "reports/profile.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "libsync/analyze/lookup.h"
#include "reports/coverage.h"
#include "reports/frames.h"
#include "reports/names.h"
#include "reports/text_frames.h"
#include "reports/text_style.h"

namespace gordian::report {
namespace {

using analyze::At;
using trace::Index;

// So many locks, and places of each, are shown; --verbose and --json have them all.
constexpr size_t kShownLocks = 10;
constexpr size_t kShownSites = 3;

constexpr char kOthers[] = "all other locks";

void Add(const ReportUse& more, ReportUse* use) {
  use->acquisitions += more.acquisitions;
  use->contended += more.contended;
  use->wait_ns += more.wait_ns;
  use->most_wait_ns = std::max(use->most_wait_ns, more.most_wait_ns);
  use->hold_ns += more.hold_ns;
  use->most_hold_ns = std::max(use->most_hold_ns, more.most_hold_ns);
}

// What costs most comes first.
bool CostsMore(const ReportUse& a, const ReportUse& b) {
  return std::tie(a.wait_ns, a.contended, a.hold_ns, a.acquisitions) >
         std::tie(b.wait_ns, b.contended, b.hold_ns, b.acquisitions);
}

bool IsShown(const trace::Lock* lock) {
  const bool is_semaphore = lock != nullptr && (lock->kind == trace::LockKind::kSemaphore ||
                                                lock->kind == trace::LockKind::kNamedSemaphore);
  return lock == nullptr || !(lock->interpreter || (is_semaphore && (lock->flags & trace::kHandOff) != 0));
}

// Where a name is looked for before it is one of the same lock: static variables of two programs may be
// called the same.
std::string ScopeOf(const trace::Process& process, const trace::Lock& lock) {
  const trace::Module* module = At(process.modules, lock.place.module);
  return module == nullptr || !lock.name.empty() ? "" : module->path;
}

class ProfileBuilder {
 public:
  explicit ProfileBuilder(Symbolizer* symbolizer) : symbolizer_(symbolizer) {}

  void Add(const trace::Process& process) {
    // The records of several threads first: names and stacks are looked up once for all of them.
    std::map<std::tuple<Index, Index, trace::Mode>, ReportUse> uses;
    for (const trace::Profile& profile : process.profiles) {
      if (IsShown(At(process.locks, profile.lock))) {
        report::Add({profile.acquisitions, profile.contended, profile.wait_ns, profile.most_wait_ns,
                     profile.hold_ns, profile.most_hold_ns},
                    &uses[{profile.lock, profile.stack, profile.mode}]);
      }
    }
    for (const auto& [key, use] : uses) {
      const auto& [lock, stack, mode] = key;
      AddUse(process, lock, stack, mode, use);
    }
  }

  std::vector<ReportProfile> Build() {
    std::vector<ReportProfile> profiles;
    for (auto& [key, sites] : sites_) {
      ReportProfile profile = std::move(classes_[key]);
      for (auto& [place, site] : sites) {
        profile.sites.push_back(std::move(site));
      }
      std::stable_sort(profile.sites.begin(), profile.sites.end(),
                       [](const auto& a, const auto& b) { return CostsMore(a.use, b.use); });
      profiles.push_back(std::move(profile));
    }
    std::stable_sort(profiles.begin(), profiles.end(),
                     [](const auto& a, const auto& b) { return CostsMore(a.use, b.use); });
    return profiles;
  }

 private:
  using Class = std::tuple<std::string, std::string, std::string>;  // name, kind, scope

  void AddUse(const trace::Process& process, Index lock_index, Index stack, trace::Mode mode,
              const ReportUse& use) {
    const trace::Lock* lock = At(process.locks, lock_index);
    LockNames names{kOthers, kOthers};
    std::string kind;
    std::string scope;
    if (lock != nullptr) {
      names = NameLock(process, *lock, symbolizer_);
      kind = KindName(process, *lock);
      scope = ScopeOf(process, *lock);
    }
    const Class key{names.name, kind, scope};
    ReportProfile& profile = classes_[key];
    profile.name = names.name;
    profile.kind = kind;
    profile.lock_class = names.lock_class;
    report::Add(use, &profile.use);
    if (lock == nullptr) {
      sites_[key];
      return;
    }
    ReportProfileSite site;
    site.mode = mode == trace::Mode::kShared ? "shared" : "exclusive";
    site.stack = Shown(process, stack);
    std::string place = site.mode;
    for (const SourceFrame& frame : site.stack) {
      absl::StrAppend(&place, "\n", frame.function, " ", frame.file, ":", frame.line, " ",
                      frame.file.empty() ? absl::StrCat(frame.module, "+", frame.offset) : "");
    }
    report::Add(use, &sites_[key].try_emplace(std::move(place), std::move(site)).first->second.use);
  }

  Frames Shown(const trace::Process& process, Index stack) {
    Frames frames = symbolizer_->ResolveStack(process, stack);
    frames.erase(std::remove_if(frames.begin(), frames.end(), IsOwnFrame), frames.end());
    return frames;
  }

  Symbolizer* symbolizer_;
  std::map<Class, ReportProfile> classes_;
  std::map<Class, std::map<std::string, ReportProfileSite>> sites_;
};

// Three digits are enough to compare by.
std::string TimeText(uint64_t ns) {
  if (ns == 0) {
    return "-";
  }
  const char* units[] = {"ns", "us", "ms", "s"};
  auto value = static_cast<double>(ns);
  size_t unit = 0;
  while (value >= 999.5 && unit < 3) {
    value /= 1000;
    ++unit;
  }
  const int digits = unit == 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return absl::StrFormat("%.*f %s", digits, value, units[unit]);
}

std::string UseText(const ReportUse& use) {
  return absl::StrFormat("  %10u %10u %9s %9s %9s %9s  ", use.acquisitions, use.contended,
                         TimeText(use.wait_ns), TimeText(use.most_wait_ns), TimeText(use.hold_ns),
                         TimeText(use.most_hold_ns));
}

std::string SiteText(const ReportProfileSite& site, const TextOptions& options) {
  const std::string place =
      site.stack.empty() ? "an unknown place" : FrameText(TopFrame(site.stack), options);
  return absl::StrCat(UseText(site.use), "  ", place, site.mode == "shared" ? " (shared)" : "", "\n");
}

}  // namespace

std::vector<ReportProfile> BuildProfile(const trace::Run& run, Symbolizer* symbolizer) {
  ProfileBuilder builder(symbolizer);
  for (const trace::Process& process : run.processes) {
    builder.Add(process);
  }
  return builder.Build();
}

std::string ProfileText(const Report& report, const TextOptions& options) {
  if (report.profile.empty()) {
    return "";
  }
  const bool all = options.verbosity > 0;
  std::string out = absl::StrCat(Paint("Locks by time waited", Tone::kBold, options.color), "\n",
                                 absl::StrFormat("  %10s %10s %9s %9s %9s %9s\n", "acquired", "contended",
                                                 "waited", "longest", "held", "longest"));
  const size_t shown = all ? report.profile.size() : std::min(report.profile.size(), kShownLocks);
  for (size_t i = 0; i < shown; ++i) {
    const ReportProfile& profile = report.profile[i];
    const bool says_kind = !profile.kind.empty() && !profile.name.starts_with(profile.kind);
    absl::StrAppend(&out, UseText(profile.use), profile.name,
                    says_kind ? absl::StrCat(" (", profile.kind, ")") : "", "\n");
    const size_t sites = all ? profile.sites.size() : std::min(profile.sites.size(), kShownSites);
    for (size_t s = 0; s < sites; ++s) {
      out += SiteText(profile.sites[s], options);
    }
    if (sites < profile.sites.size()) {
      absl::StrAppend(&out, "  ... and ", Plural(profile.sites.size() - sites, "more place", "more places"),
                      "\n");
    }
  }
  if (shown < report.profile.size()) {
    absl::StrAppend(&out, "  ... and ", Plural(report.profile.size() - shown, "more lock", "more locks"),
                    ": -v has all\n");
  }
  return out + "\n";
}

}  // namespace gordian::report
