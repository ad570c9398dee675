#include "reports/runtimes.h"

#include <algorithm>
#include <string>

#include "reports/suppressions.h"

namespace gordian::report {
namespace {

// In the language of suppressions, a row for each habit: what does it, and where that is written or was seen.
constexpr char kHabits[] = R"(
# V8 holds the lock of its isolate as long as it runs (v8-locker.h), as CPython holds its own. Node.js 20.
lock-held-at-process-exit:lock=*v8::internal::ThreadManager::ThreadManager*
# OCaml never joins the thread that tells the time (systhreads/st_stubs.c). OCaml 4.13.
thread-unjoined:function=caml_thread_new
# OpenMP's workers wait for the next parallel region until the process ends (libgomp/team.c). GCC 12, LLVM 14.
thread-running-at-exit:module=libgomp.so*
thread-running-at-exit:module=libomp.so*
# Guile's threads for finalizers and signals (finalizers.c, scmsigs.c). Guile 2.2, 3.0.
thread-running-at-exit:module=libguile-*.so*
)";

const Suppressions& Habits() {
  static const Suppressions habits = [] {
    Suppressions list;
    list.Add("runtimes", kHabits);
    return list;
  }();
  return habits;
}

}  // namespace

bool IsHabitOfRuntime(const ReportFinding& finding) {
  const auto& list = Habits().list();
  return std::any_of(list.begin(), list.end(),
                     [&finding](const Suppression& habit) { return Matches(habit, finding); });
}

}  // namespace gordian::report
