#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "tests/matrix/patterns.h"

namespace gordian::matrix {

thread_local int t_part = 0;

namespace {

constexpr size_t kPage = 4096;

char* NewSharedPage() {
  return static_cast<char*>(mmap(nullptr, kPage, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
}

// How many steps are done. In a shared page, so that processes see it too.
std::atomic<size_t>* const g_done = new (NewSharedPage()) std::atomic<size_t>(0);

// Orders by luck: nothing that a detector may take for synchronisation.
void AwaitDone(size_t wanted) {
  while (g_done->load(std::memory_order_relaxed) < wanted) {
    sched_yield();
  }
}

// A thread, or a process.
class Part {
 public:
  Part(bool process, int number, const Cell::Action& action) {
    if (!process) {
      thread_ = std::thread([number, action] {
        t_part = number;
        action();
      });
      return;
    }
    child_ = fork();
    if (child_ == 0) {
      t_part = number;
      action();
      _exit(0);
    }
  }

  void Await() {
    if (thread_.joinable()) {
      thread_.join();
      return;
    }
    int status = 0;
    if (waitpid(child_, &status, 0) != child_ || status != 0) {
      _exit(WEXITSTATUS(status));
    }
  }

  // For a process that cannot go on: the others wait for its steps.
  static void EndWithTheFirstThatFails(const std::vector<Part>& parts) {
    int status = 0;
    for (size_t ended = 0; ended < parts.size() && wait(&status) > 0; ++ended) {
      if (status != 0) {
        for (const Part& part : parts) {
          kill(part.child_, SIGKILL);
        }
        _exit(WEXITSTATUS(status));
      }
    }
  }

 private:
  std::thread thread_;
  pid_t child_ = 0;
};

}  // namespace

Cell::Cell(const Kind& kind) : kind_(kind) {
  alignas(kLockBytes) static char private_memory[kLocks * kLockBytes];
  memory_ = private_memory;
  if (kind.shared_memory) {
    memory_ = NewSharedPage();
  }
  Make();
}

void Cell::Make() {
  for (int i = 0; i < kLocks; ++i) {
    locks_[i] = kind_.make(memory_ + static_cast<size_t>(i) * kLockBytes);
  }
}

void Cell::Renew() {
  for (Lock* lock : locks_) {
    lock->Destroy();
    lock->~Lock();
  }
  Make();
}

void Cell::ByLuck(const std::vector<Step>& steps) {
  const auto run = [&steps](int part) {
    for (size_t i = 0; i < steps.size(); ++i) {
      if (steps[i].part == part) {
        AwaitDone(i);
        steps[i].action();
        ++*g_done;
      }
    }
    AwaitDone(steps.size());
  };
  int count = 0;
  for (const Step& step : steps) {
    count = std::max(count, step.part + 1);
  }
  std::vector<Part> parts;
  for (int i = 0; i < count; ++i) {
    parts.emplace_back(kind_.processes, ++parts_, [&run, i] { run(i); });
  }
  if (kind_.processes) {
    Part::EndWithTheFirstThatFails(parts);
    return;
  }
  for (Part& part : parts) {
    part.Await();
  }
}

void Cell::ByLuck(const std::vector<Action>& actions) {
  std::vector<Step> steps;
  for (const Action& action : actions) {
    steps.push_back(Step{static_cast<int>(steps.size()), action});
  }
  ByLuck(steps);
}

void Cell::Apart(const Action& action) { Part(kind_.processes, ++parts_, action).Await(); }

}  // namespace gordian::matrix
