#include "libsync/inspect/core_survey.h"

#include <sys/stat.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "libsync/inspect/address_space.h"
#include "libsync/inspect/build_id.h"
#include "libsync/inspect/calls.h"
#include "libsync/inspect/core_file.h"
#include "libsync/inspect/descriptors.h"
#include "libsync/inspect/image_builder.h"
#include "libsync/inspect/libc_layout.h"
#include "libsync/inspect/registers.h"
#include "libsync/trace/file.h"

namespace gordian::inspect {
namespace {

uint64_t WrittenNs(const std::string& path) {
  struct stat found {};
  return stat(path.c_str(), &found) == 0 ? static_cast<uint64_t>(found.st_mtim.tv_sec) * 1'000'000'000 : 0;
}

class CoreSurvey {
 public:
  CoreSurvey(CoreFile core, const CoreFiles& files) : core_(std::move(core)), files_(files) {}

  // Returns what is missing, empty if nothing.
  std::string FindFiles();
  trace::Run Take();

 private:
  std::string PlaceOf(const std::string& path) const;
  std::map<pid_t, SeenThread> LookAtThreads(const LibcLayout* layout);
  pid_t InnerTid(const CoreFile::Thread& thread, const LibcLayout* layout) const;
  void NameReleasers(const std::map<pid_t, SeenThread>& threads, trace::Process* process) const;

  CoreFile core_;
  const CoreFiles& files_;
  AddressSpace space_;
  std::string executable_;  // as the process knew it
  std::vector<std::string> lost_;
};

// Where the file of a loaded object lies here.
std::string CoreSurvey::PlaceOf(const std::string& path) const {
  constexpr std::string_view deleted = " (deleted)";
  if (path == executable_ && !files_.executable.empty()) {
    return files_.executable;
  }
  std::string place = files_.sysroot + path;
  if (place.ends_with(deleted)) {
    place.resize(place.size() - deleted.size());
  }
  return place;
}

// The kernel leaves out of a core what stands in files unchanged: the code, the unwind tables, the version of
// the C library.
std::string CoreSurvey::FindFiles() {
  space_.mappings = core_.mappings();
  const Mapping* headers = space_.MappingAt(core_.program_headers());
  executable_ = headers != nullptr ? headers->path : "";
  // The build-ids of the loaded objects, as far as the core tells.
  std::map<std::string, std::optional<std::string>> loaded;
  for (const Mapping& mapping : space_.mappings) {
    if (mapping.executable && mapping.path.starts_with("/")) {
      loaded[mapping.path];
    }
  }
  for (const trace::Module& module : FindModules(space_.mappings, core_)) {
    loaded[module.path] = module.build_id;
  }
  if (!loaded.contains(executable_)) {
    return "does not tell which program it is of";
  }
  for (const auto& [path, build_id] : loaded) {
    const std::string place = PlaceOf(path);
    std::string why;
    auto file = OpenAnyFile(place, &why);
    if (file && build_id && !IsBuild(place, *build_id)) {
      why = "is another build than the core is of";
      file.reset();
    }
    if (!file && path == executable_) {
      std::string text = "needs its program, and ";
      return text.append(place).append(" ").append(why).append(
          "; name the program by --exe, or a folder with all files of that machine by --sysroot");
    }
    if (!file) {
      std::string text = place;
      lost_.push_back(text.append(" ").append(why).append(": stacks end there, and it has no names"));
      continue;
    }
    const auto shared = std::make_shared<const trace::SafeFile>(std::move(*file));
    for (const Mapping& mapping : space_.mappings) {
      if (mapping.path == path) {
        core_.ReadFromFile(mapping, shared);
      }
    }
  }
  space_.modules = FindModules(space_.mappings, core_);
  for (trace::Module& module : space_.modules) {
    module.path = PlaceOf(module.path);
  }
  return "";
}

// A core that a debugger wrote has the numbers that the debugger saw. The C library knows the process's own.
pid_t CoreSurvey::InnerTid(const CoreFile::Thread& thread, const LibcLayout* layout) const {
  const uint64_t self = thread.registers.fs_base;
  if (layout != nullptr && core_.Get<uint64_t>(self + layout->thread_self) == self) {
    return core_.Get<pid_t>(self + layout->thread_tid).value_or(thread.tid);
  }
  return thread.tid;
}

std::map<pid_t, SeenThread> CoreSurvey::LookAtThreads(const LibcLayout* layout) {
  std::map<pid_t, SeenThread> threads;
  for (const CoreFile::Thread& thread : core_.threads()) {
    SeenThread& seen = threads[thread.tid];
    seen.name = core_.name();
    seen.inner_tid = InnerTid(thread, layout);
    seen.wait = WaitOf(thread.registers);
    seen.sleeps = !seen.wait.running;
    const Call* call = seen.sleeps ? FindCall(seen.wait.syscall) : nullptr;
    if (call != nullptr && call->descriptor >= 0) {
      seen.object =
          DescribeDescriptor(static_cast<int>(seen.wait.args[static_cast<size_t>(call->descriptor)]), "");
    }
  }
  return threads;
}

// What is private to the process only its own threads could have ended.
void CoreSurvey::NameReleasers(const std::map<pid_t, SeenThread>& threads, trace::Process* process) const {
  process->caught_signals = ~uint64_t{0};
  if (space_.HasKernelHelper()) {
    return;
  }
  for (trace::Thread& thread : process->threads) {
    const auto seen = threads.find(thread.tid);
    if (seen != threads.end() && thread.settled && !thread.wait.timed && seen->second.futex &&
        !seen->second.futex->shared) {
      thread.wait.releasers = {0};
    }
  }
}

trace::Run CoreSurvey::Take() {
  std::map<pid_t, SeenThread> threads = LookAtThreads(LayoutOf(space_, core_));
  std::set<pid_t> inner_tids;
  for (const auto& [tid, seen] : threads) {
    inner_tids.insert(seen.inner_tid);
  }
  ImageBuilder builder(&core_, space_, std::move(inner_tids));
  for (const CoreFile::Thread& thread : core_.threads()) {
    SeenThread& seen = threads.at(thread.tid);
    builder.TakeStack(thread.tid, seen.inner_tid, RegistersOf(thread.registers));
    if (seen.sleeps) {
      seen.futex = builder.Identify(thread.tid, seen.wait);
    }
  }
  trace::Run run;
  run.over = core_.signal() != 0;  // else a debugger wrote it, and the process lived on
  run.start_real_ns = WrittenNs(files_.core);
  run.root_pid = core_.pid();
  if (core_.signal() != 0) {
    run.root_status = core_.signal();
  }
  run.lost = lost_;
  trace::Process process = builder.Build(core_.pid(), threads);
  process.ended = true;
  process.from_core = true;
  process.ppid = core_.ppid();
  process.executable = executable_;
  if (!core_.command().empty()) {
    process.command = {core_.command()};
    run.command = process.command;
  }
  NameReleasers(threads, &process);
  run.processes.push_back(std::move(process));
  return run;
}

}  // namespace

std::optional<trace::Run> SurveyCore(const CoreFiles& files, std::string* why) {
  auto core = CoreFile::Open(files.core, why);
  if (!core) {
    return std::nullopt;
  }
  CoreSurvey survey(std::move(*core), files);
  *why = survey.FindFiles();
  return why->empty() ? std::optional(survey.Take()) : std::nullopt;
}

}  // namespace gordian::inspect
