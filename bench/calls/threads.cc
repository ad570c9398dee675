// Threads that meet: at a lock, at a condition, at their beginning and end. The time is what the processor
// worked for all of them.
#include <pthread.h>

#include <thread>
#include <vector>

#include "bench/calls/rounds.h"
#include "benchmark/benchmark.h"

namespace {

struct Table {
  pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  pthread_cond_t turned = PTHREAD_COND_INITIALIZER;
  bool balls_turn = false;
  bool over = false;
};

void* ReturnBalls(void* argument) {
  auto* table = static_cast<Table*>(argument);
  pthread_mutex_lock(&table->mutex);
  while (!table->over) {
    if (table->balls_turn) {
      table->balls_turn = false;
      pthread_cond_signal(&table->turned);
    }
    pthread_cond_wait(&table->turned, &table->mutex);
  }
  pthread_mutex_unlock(&table->mutex);
  return nullptr;
}

void PingPong(benchmark::State& state) {
  Table table;
  pthread_t other;
  pthread_create(&other, nullptr, ReturnBalls, &table);
  for (auto _ : state) {
    pthread_mutex_lock(&table.mutex);
    table.balls_turn = true;
    pthread_cond_signal(&table.turned);
    while (table.balls_turn) {
      pthread_cond_wait(&table.turned, &table.mutex);
    }
    pthread_mutex_unlock(&table.mutex);
  }
  pthread_mutex_lock(&table.mutex);
  table.over = true;
  pthread_cond_signal(&table.turned);
  pthread_mutex_unlock(&table.mutex);
  pthread_join(other, nullptr);
}
MEASURE(PingPong, "condition ping-pong")->MeasureProcessCPUTime();

// Each round is a short stretch under the lock and one as long outside.
void Contended(benchmark::State& state) {
  static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  static long shared = 0;
  for (auto _ : state) {
    pthread_mutex_lock(&mutex);
    for (int i = 0; i < 50; ++i) {
      benchmark::DoNotOptimize(++shared);
    }
    pthread_mutex_unlock(&mutex);
    long own = 0;
    for (int i = 0; i < 50; ++i) {
      benchmark::DoNotOptimize(++own);
    }
  }
}
MEASURE(Contended, "contended mutex")->Threads(2)->Threads(4)->Threads(8);

void CreateJoin(benchmark::State& state) {
  for (auto _ : state) {
    pthread_t thread;
    pthread_create(
        &thread, nullptr, [](void* argument) { return argument; }, nullptr);
    pthread_join(thread, nullptr);
  }
}
MEASURE(CreateJoin, "thread create and join")->MeasureProcessCPUTime();

}  // namespace
