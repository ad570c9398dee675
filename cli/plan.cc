#include "cli/plan.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "cli/file_util.h"
#include "reports/debug_files.h"

namespace gordian::cli {
namespace {

constexpr char kSchema[] = "gordian.cycles/1";
constexpr size_t kMostFileBytes = size_t{16} << 20;

// As the recorder reads it from the module's own memory: eight bytes, the first one lowest.
uint64_t BuildIdHead(const std::string& hex) {
  const std::string bytes = absl::HexStringToBytes(hex);
  uint64_t head = 0;
  std::memcpy(&head, bytes.data(), std::min(bytes.size(), sizeof(head)));
  return head;
}

uint32_t FillFrames(const std::vector<PlannedFrame>& from, trace::PlanFrame* to) {
  const size_t count = std::min<size_t>(from.size(), trace::kPlanFrames);
  for (size_t i = 0; i < count; ++i) {
    to[i] = {from[i].script != 0 ? from[i].script : BuildIdHead(from[i].module.build_id), from[i].offset};
  }
  return static_cast<uint32_t>(count);
}

nlohmann::ordered_json FramesToJson(const std::vector<PlannedFrame>& frames,
                                    std::vector<PlannedModule>* modules) {
  nlohmann::ordered_json result = nlohmann::ordered_json::array();
  for (const PlannedFrame& frame : frames) {
    auto found = std::find(modules->begin(), modules->end(), frame.module);
    if (found == modules->end()) {
      modules->push_back(frame.module);
      found = modules->end() - 1;
    }
    result.push_back(
        {{"module", found - modules->begin()}, {"offset", absl::StrCat("0x", absl::Hex(frame.offset))}});
    if (frame.script != 0) {
      result.back()["script"] = absl::StrCat("0x", absl::Hex(frame.script));
    }
  }
  return result;
}

std::vector<PlannedFrame> FramesFromJson(const nlohmann::json& frames,
                                         const std::vector<PlannedModule>& modules) {
  std::vector<PlannedFrame> result;
  for (const nlohmann::json& frame : frames) {
    PlannedFrame planned;
    planned.module = modules.at(frame.at("module").get<size_t>());
    if (!absl::SimpleHexAtoi(frame.at("offset").get<std::string>(), &planned.offset)) {
      throw std::out_of_range("an offset is no hexadecimal number");
    }
    if (frame.contains("script") &&
        !absl::SimpleHexAtoi(frame.at("script").get<std::string>(), &planned.script)) {
      throw std::out_of_range("a script is no hexadecimal number");
    }
    result.push_back(std::move(planned));
  }
  return result;
}

// A thread that is named for another reason, such as being stuck behind the ring, makes no step. A standstill
// of several processes tells no steps.
bool IsInRing(const analyze::Finding& finding, size_t thread) {
  return finding.interleaving.empty() ||
         std::any_of(finding.interleaving.begin(), finding.interleaving.end(),
                     [thread](const analyze::Step& step) { return step.thread == static_cast<int>(thread); });
}

bool BringsLock(trace::PlanRole role) {
  return role == trace::PlanRole::kHolds || role == trace::PlanRole::kReacquires;
}

// Whether the thread waits there for a mutex that a condition wait gave up and takes back.
bool TakesBack(const trace::Run& run, const analyze::ThreadPart& part) {
  const std::vector<trace::Dependency>& all = run.processes[static_cast<size_t>(part.process)].dependencies;
  return std::any_of(all.begin(), all.end(), [&](const trace::Dependency& dependency) {
    return dependency.thread == part.thread && dependency.stack == part.waits.stack.stack &&
           (dependency.flags & trace::kReacquire) != 0;
  });
}

trace::PlanRole RoleOf(const trace::Run& run, const analyze::Finding& finding, size_t thread) {
  const analyze::ThreadPart& part = finding.threads[thread];
  if (!part.holds.empty()) {
    return TakesBack(run, part) ? trace::PlanRole::kReacquires : trace::PlanRole::kHolds;
  }
  for (const analyze::ThreadPart& other : finding.threads) {
    if (other.waits.kind == trace::WaitKind::kJoin && other.waits.thread == static_cast<int>(thread)) {
      return trace::PlanRole::kThreadEnd;
    }
    if (other.waits.kind == trace::WaitKind::kProcess && other.waits.process >= 0 &&
        finding.processes[static_cast<size_t>(other.waits.process)].pid ==
            run.processes[static_cast<size_t>(part.process)].pid) {
      return trace::PlanRole::kProcessEnd;
    }
  }
  return trace::PlanRole::kQueues;
}

std::string OtherBuild(const PlannedModule& module) {
  const std::string now = report::BuildIdOfFile(module.path).value_or("");
  if (module.build_id.empty() || now == module.build_id) {
    return "";
  }
  return absl::StrCat(module.path, " has the build-id ", now.empty() ? "(none)" : now, ", not ",
                      module.build_id, ": it was built anew since");
}

}  // namespace

std::vector<PlannedFrame> FramesOf(const trace::Run& run, const analyze::StackAt& at) {
  std::vector<PlannedFrame> frames;
  if (at.process == trace::kNoIndex || at.stack == trace::kNoIndex) {
    return frames;
  }
  const trace::Process& process = run.processes[static_cast<size_t>(at.process)];
  const std::vector<trace::Frame>& stack = process.stacks[static_cast<size_t>(at.stack)].frames;
  for (const trace::Frame& frame : stack) {
    if (frame.script != nullptr && frame.script->module != 0 && frames.size() < trace::kPlanFrames) {
      frames.push_back({{frame.script->file, ""}, frame.script->unit, frame.script->module});
    }
  }
  if (!frames.empty()) {
    return frames;
  }
  for (const trace::Frame& frame : stack) {
    if (frame.module == trace::kNoIndex || frames.size() == trace::kPlanFrames) {
      break;
    }
    const trace::Module& module = process.modules[static_cast<size_t>(frame.module)];
    frames.push_back({{module.path, module.build_id}, frame.offset});
  }
  return frames;
}

std::optional<PlannedCycle> CycleOf(const trace::Run& run, const analyze::Finding& finding) {
  PlannedCycle cycle;
  for (size_t t = 0; t < finding.threads.size(); ++t) {
    const analyze::ThreadPart& thread = finding.threads[t];
    if (!IsInRing(finding, t) || thread.waits.kind == trace::WaitKind::kNone) {
      continue;
    }
    PlannedStep step;
    step.role = RoleOf(run, finding, t);
    step.inner = FramesOf(run, thread.waits.stack);
    if (BringsLock(step.role)) {
      step.outer = FramesOf(run, thread.holds.front().stack);
    }
    if (step.inner.empty() || (BringsLock(step.role) && step.outer.empty())) {
      return std::nullopt;
    }
    cycle.steps.push_back(std::move(step));
  }
  if (cycle.steps.size() < 2 || cycle.steps.size() > trace::kMostPlanSteps) {
    return std::nullopt;
  }
  return cycle;
}

bool SameWaits(const PlannedCycle& cycle, const PlannedCycle& deadlock) {
  std::vector<bool> taken(deadlock.steps.size());
  return std::all_of(cycle.steps.begin(), cycle.steps.end(), [&](const PlannedStep& step) {
    for (size_t s = 0; s < deadlock.steps.size(); ++s) {
      if (!taken[s] && deadlock.steps[s].inner == step.inner) {
        taken[s] = true;
        return true;
      }
    }
    return step.role == trace::PlanRole::kQueues;
  });
}

std::string BuiltAnew(const PlannedCycle& cycle) {
  for (const PlannedStep& step : cycle.steps) {
    for (const std::vector<PlannedFrame>* frames : {&step.outer, &step.inner}) {
      for (const PlannedFrame& frame : *frames) {
        std::string problem =
            access(frame.module.path.c_str(), R_OK) == 0 ? OtherBuild(frame.module) : std::string();
        if (!problem.empty()) {
          return problem;
        }
      }
    }
  }
  return "";
}

std::string WritePlan(const Plan& plan, const std::string& path) {
  trace::PlanHeader header{};
  std::memcpy(header.magic, trace::kPlanMagic, sizeof(header.magic));
  header.version = trace::kPlanVersion;
  header.wishes = plan.wishes;
  header.seed = plan.seed;
  header.pause_ms = plan.pause_ms;
  std::string steps;
  uint32_t number = 0;
  for (const PlannedCycle& cycle : plan.cycles) {
    if (header.step_count + cycle.steps.size() > trace::kMostPlanSteps) {
      return absl::StrCat("a plan holds ", trace::kMostPlanSteps, " steps of cycles, and there are more");
    }
    for (size_t s = 0; s < cycle.steps.size(); ++s) {
      trace::PlanStep step{};
      step.cycle = number;
      step.step = static_cast<uint32_t>(s);
      step.steps = static_cast<uint32_t>(cycle.steps.size());
      step.outer_count = FillFrames(cycle.steps[s].outer, step.outer);
      step.inner_count = FillFrames(cycle.steps[s].inner, step.inner);
      step.role = cycle.steps[s].role;
      steps.append(reinterpret_cast<const char*>(&step), sizeof(step));
      ++header.step_count;
    }
    ++number;
  }
  const std::string bytes = std::string(reinterpret_cast<const char*>(&header), sizeof(header)) + steps +
                            std::string(trace::kMostStanding * sizeof(trace::PlanStanding), '\0');
  return WriteSmallFile(path, bytes) ? "" : absl::StrCat(path, ": ", std::strerror(errno));
}

std::string WriteCycles(const std::vector<PlannedCycle>& cycles, const std::string& path) {
  std::vector<PlannedModule> modules;
  nlohmann::ordered_json listed = nlohmann::ordered_json::array();
  for (const PlannedCycle& cycle : cycles) {
    nlohmann::ordered_json steps = nlohmann::ordered_json::array();
    for (const PlannedStep& step : cycle.steps) {
      steps.push_back({{"role", static_cast<uint32_t>(step.role)},
                       {"outer", FramesToJson(step.outer, &modules)},
                       {"inner", FramesToJson(step.inner, &modules)}});
    }
    listed.push_back({{"fingerprint", cycle.fingerprint},
                      {"title", cycle.title},
                      {"seed", cycle.seed},
                      {"steps", std::move(steps)}});
  }
  nlohmann::ordered_json all = {
      {"schema", kSchema}, {"modules", nlohmann::ordered_json::array()}, {"cycles", listed}};
  for (const PlannedModule& module : modules) {
    all["modules"].push_back({{"path", module.path}, {"build_id", module.build_id}});
  }
  std::ofstream file(path, std::ios::trunc);
  file << all.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) << "\n";
  file.close();
  return file ? "" : absl::StrCat(path, ": ", std::strerror(errno));
}

std::string ReadCycles(const std::string& path, std::vector<PlannedCycle>* cycles) {
  if (!std::ifstream(path)) {
    return absl::StrCat(path, ": ", std::strerror(errno));
  }
  try {
    const nlohmann::json all = nlohmann::json::parse(ReadSmallFile(path, kMostFileBytes));
    if (all.at("schema") != kSchema) {
      return absl::StrCat(path, ": is no file of `gordian confirm -o`");
    }
    std::vector<PlannedModule> modules;
    for (const nlohmann::json& module : all.at("modules")) {
      modules.push_back({module.at("path"), module.at("build_id")});
      const std::string problem = OtherBuild(modules.back());
      if (!problem.empty()) {
        return absl::StrCat(path, ": ", problem, "; run `gordian confirm` again");
      }
    }
    for (const nlohmann::json& listed : all.at("cycles")) {
      PlannedCycle cycle{listed.at("fingerprint"), listed.at("title"), listed.at("seed"), {}};
      for (const nlohmann::json& step : listed.at("steps")) {
        cycle.steps.push_back({static_cast<trace::PlanRole>(step.at("role").get<uint32_t>()),
                               FramesFromJson(step.at("outer"), modules),
                               FramesFromJson(step.at("inner"), modules)});
      }
      cycles->push_back(std::move(cycle));
    }
  } catch (const std::exception& broken) {
    return absl::StrCat(path, ": is no file of `gordian confirm -o` (", broken.what(), ")");
  }
  return "";
}

}  // namespace gordian::cli
