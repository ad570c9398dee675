#include "cli/partners.h"

#include <unistd.h>

#include <algorithm>
#include <set>
#include <utility>

#include "libsync/analyze/wait_for_graph.h"

namespace gordian::cli {
namespace {

using trace::Index;

// Who waits for more processes than that is no deadlock that anybody reads.
constexpr size_t kMostPartners = 32;
constexpr int kMostRounds = 4;

bool Contains(const std::vector<pid_t>& pids, pid_t pid) {
  return std::find(pids.begin(), pids.end(), pid) != pids.end();
}

// `pids`, then who could end a wait of theirs, then who could end a wait of those.
std::vector<pid_t> WithPartners(const std::vector<pid_t>& pids, std::set<pid_t> partners) {
  std::vector<pid_t> all = pids;
  inspect::SurveyOptions once;
  once.looks = 1;
  once.apart_ms = 0;
  once.stacks = false;
  for (int round = 0; round < kMostRounds; ++round) {
    const size_t before = all.size();
    for (const pid_t partner : partners) {
      if (partner != getpid() && !Contains(all, partner)) {
        all.push_back(partner);
      }
    }
    if (all.size() == before || all.size() > pids.size() + kMostPartners) {
      break;
    }
    partners = inspect::TakeSurvey(all, once).partners;
  }
  return all;
}

// The processes that were asked for, and those that are stuck with them.
std::vector<bool> Wanted(const trace::Run& run, const std::vector<pid_t>& pids) {
  std::vector<bool> wanted;
  for (const trace::Process& process : run.processes) {
    wanted.push_back(Contains(pids, process.pid));
  }
  std::vector<bool> keep = wanted;
  for (const analyze::Stall& stall : analyze::FindStalls(run)) {
    std::vector<Index> stuck;
    for (const auto* threads : {&stall.threads, &stall.behind}) {
      for (const analyze::ThreadRef& ref : *threads) {
        stuck.push_back(ref.process);
      }
    }
    const bool concerns = std::any_of(stuck.begin(), stuck.end(), [&wanted](Index process) {
      return wanted[static_cast<size_t>(process)];
    });
    for (const Index process : stuck) {
      keep[static_cast<size_t>(process)] = keep[static_cast<size_t>(process)] || concerns;
    }
  }
  return keep;
}

}  // namespace

void KeepProcesses(const std::vector<bool>& keep, trace::Run* run) {
  std::vector<Index> now(keep.size(), trace::kNoIndex);
  std::vector<trace::Process> kept;
  for (size_t p = 0; p < keep.size(); ++p) {
    if (keep[p]) {
      now[p] = static_cast<Index>(kept.size());
      kept.push_back(std::move(run->processes[p]));
    }
  }
  for (trace::Process& process : kept) {
    for (trace::Thread& thread : process.threads) {
      std::vector<Index>& releasers = thread.wait.releasers;
      for (Index& releaser : releasers) {
        releaser = now[static_cast<size_t>(releaser)];
      }
      if (std::find(releasers.begin(), releasers.end(), trace::kNoIndex) != releasers.end()) {
        releasers.clear();
      }
    }
  }
  run->processes = std::move(kept);
}

inspect::Survey SurveyWithPartners(const std::vector<pid_t>& pids, const inspect::SurveyOptions& options) {
  inspect::Survey survey = inspect::TakeSurvey(pids, options);
  const std::vector<pid_t> all = WithPartners(pids, survey.partners);
  if (all.size() == pids.size() || survey.run.processes.empty()) {
    return survey;
  }
  inspect::SurveyOptions quietly = options;
  quietly.stop = false;  // nobody asked for that of the others
  inspect::Survey together = inspect::TakeSurvey(all, quietly);
  const std::vector<bool> keep = Wanted(together.run, pids);
  const bool any_partner = std::count(keep.begin(), keep.end(), true) > static_cast<long>(pids.size());
  if (!any_partner) {
    return survey;
  }
  KeepProcesses(keep, &together.run);
  std::erase_if(together.refused,
                [&pids](const inspect::Refusal& refusal) { return !Contains(pids, refusal.pid); });
  return together;
}

}  // namespace gordian::cli
