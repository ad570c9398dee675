// What runtimes do on purpose is no finding; what a program does with the same calls is.
#include "reports/runtimes.h"

#include <gtest/gtest.h>

#include <string>

namespace gordian::report {
namespace {

ReportFinding At(const char* rule, const char* function, const char* module) {
  ReportFinding finding;
  finding.rule = rule;
  SourceFrame frame;
  frame.function = function;
  frame.module = module;
  ReportThread thread;
  thread.created = {frame};
  finding.threads = {thread};
  finding.primary = frame;
  return finding;
}

ReportFinding Held(const char* rule, const char* lock) {
  ReportFinding finding = At(rule, "node::Start", "/usr/bin/node");
  ReportLock held;
  held.name = lock;
  finding.locks = {held};
  return finding;
}

TEST(Runtimes, HabitsAreNoFindings) {
  EXPECT_TRUE(IsHabitOfRuntime(At("thread-running-at-exit", "", "/usr/lib/libgomp.so.1.0.0")));
  EXPECT_TRUE(IsHabitOfRuntime(At("thread-running-at-exit", "", "/usr/lib/libguile-3.0.so.1")));
  EXPECT_TRUE(IsHabitOfRuntime(At("thread-unjoined", "caml_thread_new", "/usr/bin/ocamlrun")));
  EXPECT_TRUE(IsHabitOfRuntime(
      Held("lock-held-at-process-exit", "mutex created at v8::internal::ThreadManager::ThreadManager")));
}

TEST(Runtimes, OtherRulesAndOtherPlacesAre) {
  EXPECT_FALSE(IsHabitOfRuntime(At("thread-running-at-exit", "start", "/opt/app/libgompers.so.1")));
  EXPECT_FALSE(IsHabitOfRuntime(At("thread-unjoined", "", "/usr/lib/libgomp.so.1.0.0")));
  EXPECT_FALSE(IsHabitOfRuntime(At("thread-unjoined", "start_worker", "/usr/bin/ocamlrun")));
  EXPECT_FALSE(IsHabitOfRuntime(Held("lock-held-at-process-exit", "mutex created at node::Cache::Cache")));
  EXPECT_FALSE(
      IsHabitOfRuntime(Held("deadlock", "mutex created at v8::internal::ThreadManager::ThreadManager")));
}

}  // namespace
}  // namespace gordian::report
