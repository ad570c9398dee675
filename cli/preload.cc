#include "cli/preload.h"

#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "cli/elf_needed.h"

namespace gordian::cli {
namespace {

constexpr char kPreload[] = "LD_PRELOAD";
constexpr char kShimOptions[] = "GORDIAN_OPTIONS";
constexpr absl::string_view kOurKeys[] = {"run",  "drop", "keeper",   "plan",
                                          "only", "skip", "children", "root"};

std::string DirectoryOf(const std::string& path) { return path.substr(0, path.rfind('/')); }

std::string RealPath(const std::string& path) {
  char* resolved = realpath(path.c_str(), nullptr);
  if (resolved == nullptr) {
    return "";
  }
  std::string result(resolved);
  free(resolved);
  return result;
}

bool IsRunnable(const std::string& path) {
  struct stat info {};
  return stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) && access(path.c_str(), X_OK) == 0;
}

// gcc's dynamic AddressSanitizer refuses to start behind any other preloaded object.
std::string NeededSanitizer(const std::string& program) {
  for (const std::string& name : ElfNeeded(program)) {
    if (absl::StartsWith(name, "libasan.so")) {
      return name;
    }
  }
  return "";
}

std::string PreloadValue(const PreloadPlan& plan, const std::string& users) {
  std::string value = NeededSanitizer(plan.program);
  if (absl::StrContains(users, value)) {
    value.clear();
  }
  absl::StrAppend(&value, value.empty() ? "" : ":", plan.shim);
  if (!plan.check_free.empty()) {
    absl::StrAppend(&value, ":", plan.check_free);
  }
  std::string rest;
  // An outer gordian has put the same shim there already.
  for (absl::string_view entry : absl::StrSplit(users, absl::ByAnyChar(": "), absl::SkipEmpty())) {
    if (entry != plan.shim && entry != plan.check_free) {
      absl::StrAppend(&rest, ":", entry);
    }
  }
  return value + rest;
}

const char* Environment(const char* name) {
  const char* value = getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

bool IsInsideAnotherRun() {
  std::vector<std::string> entries = absl::StrSplit(Environment(kShimOptions), ':');
  return std::any_of(entries.begin(), entries.end(),
                     [](const std::string& entry) { return absl::StartsWith(entry, "run="); });
}

std::string FindShim(std::string* why) {
  std::string own = RealPath("/proc/self/exe");
  std::string prefix = DirectoryOf(DirectoryOf(own));
  std::string tried;
  for (const char* folder : {"/lib/", "/lib/x86_64-linux-gnu/", "/lib64/"}) {
    std::string path = RealPath(prefix + folder + kShimName);
    if (path.empty()) {
      absl::StrAppend(&tried, tried.empty() ? "" : ", ", prefix, folder);
      continue;
    }
    if (path.find_first_of(": \t\n$") == std::string::npos) {
      return path;
    }
    *why = absl::StrCat("the path of the shim, ", path,
                        ", has a character that LD_PRELOAD cannot express; install gordian elsewhere");
    return "";
  }
  *why = absl::StrCat("the shim ", kShimName, " is missing (looked in ", tried, ")");
  return "";
}

std::string FindCheckFree(const std::string& shim, std::string* why) {
  std::string path = absl::StrCat(DirectoryOf(shim), "/", kCheckFreeName);
  if (access(path.c_str(), R_OK) != 0) {
    *why = absl::StrCat("--check-free needs ", path, ", which is missing");
    return "";
  }
  return path;
}

std::string FindExecutable(const std::string& command) {
  if (command.find('/') != std::string::npos) {
    return command;
  }
  const char* path = getenv("PATH");
  for (absl::string_view folder : absl::StrSplit(path == nullptr ? "/bin:/usr/bin" : path, ':')) {
    std::string candidate = absl::StrCat(folder.empty() ? "." : folder, "/", command);
    if (IsRunnable(candidate)) {
      return candidate;
    }
  }
  return "";
}

std::string ShimOptions(const PreloadPlan& plan, const Options& options, const std::string& users) {
  std::string value = absl::StrCat("run=", plan.run);
  if (!plan.drop.empty()) {
    absl::StrAppend(&value, ":drop=", plan.drop);
  }
  if (!plan.plan.empty()) {
    absl::StrAppend(&value, ":plan=", plan.plan);
  }
  if (!options.only.empty()) {
    absl::StrAppend(&value, ":only=", absl::StrJoin(options.only, ","));
  }
  if (!options.skip.empty()) {
    absl::StrAppend(&value, ":skip=", absl::StrJoin(options.skip, ","));
  }
  if (options.hold_ms.has_value()) {
    absl::StrAppend(&value, ":hold_ms=", *options.hold_ms);
  }
  if (options.wait_ms.has_value()) {
    absl::StrAppend(&value, ":wait_ms=", *options.wait_ms);
  }
  if (!plan.check_free.empty()) {
    absl::StrAppend(&value, ":check_free=1");
  }
  if (options.profile) {
    absl::StrAppend(&value, ":profile=1");
  }
  if (!options.children) {
    absl::StrAppend(&value, ":children=0:root=", getpid());
  }
  for (absl::string_view entry : absl::StrSplit(users, ':', absl::SkipEmpty())) {
    absl::string_view key = entry.substr(0, entry.find('='));
    bool ours = std::find(std::begin(kOurKeys), std::end(kOurKeys), key) != std::end(kOurKeys);
    if (!ours) {
      absl::StrAppend(&value, ":", entry);
    }
  }
  return value;
}

std::vector<std::string> ProgramEnvironment(const PreloadPlan& plan, const Options& options) {
  std::string preload = absl::StrCat(kPreload, "=", PreloadValue(plan, Environment(kPreload)));
  std::string shim_options =
      absl::StrCat(kShimOptions, "=", ShimOptions(plan, options, Environment(kShimOptions)));
  bool has_preload = plan.shim.empty();
  bool has_options = false;
  std::vector<std::string> environment;
  // In place, so that the order of the other variables stays what it was.
  for (char** entry = environ; *entry != nullptr; ++entry) {
    std::string text = *entry;
    if (absl::StartsWith(text, "LD_PRELOAD=") && !plan.shim.empty()) {
      text = preload;
      has_preload = true;
    } else if (absl::StartsWith(text, "GORDIAN_OPTIONS=")) {
      text = shim_options;
      has_options = true;
    }
    environment.push_back(text);
  }
  if (!has_preload) {
    environment.push_back(preload);
  }
  if (!has_options && !plan.shim.empty()) {
    environment.push_back(shim_options);
  }
  return environment;
}

}  // namespace gordian::cli
