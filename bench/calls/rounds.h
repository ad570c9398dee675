// A fixed number of rounds for an instruction counter: BENCH_ROUNDS in the environment. Without it Google
// Benchmark goes on until the time is measured well.
#ifndef GORDIAN_BENCH_CALLS_ROUNDS_H_
#define GORDIAN_BENCH_CALLS_ROUNDS_H_

#include <cstdlib>

#include "benchmark/benchmark.h"

inline void Rounds(benchmark::internal::Benchmark* measured) {
  if (const char* rounds = std::getenv("BENCH_ROUNDS"); rounds != nullptr) {
    measured->Iterations(std::atol(rounds));
  }
}

#define MEASURE(function, name) BENCHMARK(function)->Name(name)->Apply(Rounds)

#endif  // GORDIAN_BENCH_CALLS_ROUNDS_H_
