// What the analysis of a run costs: `bench_analysis TUPLES [PROCESSES [THREADS]]` makes a run with so many
// distinct dependencies, spread over its processes of so many threads each (1,000), judges it, and says how
// long that took and how much memory it needed.
//
// Threads lock chains of three in one order of many locks; every thousandth dependency goes against it
// between two neighbours, so that there are cycles to look at, many of them of the same classes, and some
// under a gate.
#include <sys/resource.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <random>
#include <utility>

#include "libsync/analyze/detector.h"
#include "libsync/trace/run.h"

namespace gordian {
namespace {

using trace::Index;

constexpr uint64_t kLocksAtMost = 1'000'000;

trace::Process Member(Index number, uint64_t tuples, Index threads, std::mt19937_64* random) {
  trace::Process process;
  process.pid = 100 + number;
  process.start_ticks = static_cast<uint64_t>(number);
  process.ended = true;
  process.modules.push_back({"/program", "", 0, 0x100000, 0});
  for (uint64_t place = 0; place < 4; ++place) {
    process.stacks.push_back({{{0, place}}});
  }
  for (Index t = 0; t < threads; ++t) {
    trace::Thread thread;
    thread.tid = process.pid + t;
    thread.flags =
        t == 0 ? static_cast<uint32_t>(trace::kMainThread) : static_cast<uint32_t>(trace::kDetached);
    thread.creator = t == 0 ? trace::kNoIndex : 0;
    process.threads.push_back(thread);
  }
  const uint64_t locks = std::clamp<uint64_t>(tuples / 10, 10, kLocksAtMost);
  for (uint64_t l = 0; l < locks; ++l) {
    trace::Lock lock;
    lock.kind = trace::LockKind::kMutex;
    lock.create_stack = 3;
    process.locks.push_back(lock);
  }
  process.dependencies.reserve(tuples);
  for (uint64_t d = 0; d < tuples; ++d) {
    Index chain[3];
    for (Index& lock : chain) {
      lock = static_cast<Index>((*random)() % (locks - 1));
    }
    std::sort(std::begin(chain), std::end(chain));
    trace::Dependency dependency;
    dependency.thread = static_cast<Index>(1 + (*random)() % static_cast<uint64_t>(threads - 1));
    dependency.stack = 1;
    dependency.segments = {0};
    dependency.lock = chain[2];
    dependency.held = {{chain[0], 0, trace::Mode::kExclusive, 1, 0, trace::kNoIndex},
                       {chain[1], 0, trace::Mode::kExclusive, 2, 0, trace::kNoIndex}};
    if (d % 1000 < 2) {  // one way, and then the other
      dependency.lock = chain[0] + static_cast<Index>(d % 2 == 0 ? 1 : 0);
      dependency.held[0].lock = chain[0] + static_cast<Index>(d % 2 == 0 ? 0 : 1);
      dependency.held.pop_back();
    }
    process.dependencies.push_back(std::move(dependency));
  }
  return process;
}

// Of the processor: other work on the machine is not the analysis's.
double Seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

long PeakMebibytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss / 1024;
}

}  // namespace
}  // namespace gordian

int main(int argc, char** argv) {
  const uint64_t tuples = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 100'000;
  const uint64_t processes = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1;
  const auto threads = static_cast<gordian::trace::Index>(argc > 3 ? std::atoi(argv[3]) : 1000);
  if (tuples == 0 || processes == 0 || threads < 2) {
    std::fprintf(stderr, "usage: bench_analysis TUPLES [PROCESSES [THREADS]]\n");
    return 2;
  }
  std::mt19937_64 random(1);
  gordian::trace::Run run;
  run.over = true;
  for (uint64_t p = 0; p < processes; ++p) {
    run.processes.push_back(
        gordian::Member(static_cast<gordian::trace::Index>(p), tuples / processes, threads, &random));
  }
  const long before = gordian::PeakMebibytes();
  const double start = gordian::Seconds();
  const size_t findings = gordian::analyze::Analyze(run).size();
  std::printf("%lu tuples in %lu processes: %.2f s, %ld MiB beside %ld MiB of the run itself, %zu findings\n",
              tuples, processes, gordian::Seconds() - start, gordian::PeakMebibytes() - before, before,
              findings);
  return 0;
}
