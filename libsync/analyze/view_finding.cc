#include "libsync/analyze/view_finding.h"

#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "libsync/analyze/lookup.h"

namespace gordian::analyze {

int ViewFinding::AddThread(Index thread) {
  const OrderView::Origin origin = view_.OfThread(thread);
  return builder_.In(origin.process).AddThread(origin.index);
}

int ViewFinding::AddLock(Index lock) {
  const OrderView::Origin origin = view_.OfLock(lock);
  return builder_.In(origin.process).AddLock(origin.index);
}

FindingBuilder& ViewFinding::At(const trace::Dependency& dependency) {
  return builder_.In(view_.OfThread(dependency.thread).process);
}

void ViewFinding::AddHeld(int part, const trace::Dependency& dependency, const trace::Holding& held) {
  const int lock = AddLock(held.lock);
  if (part >= 0 && lock >= 0) {
    finding().threads[static_cast<size_t>(part)].holds.push_back(
        {lock, held.mode, At(dependency).Stack(held.stack)});
  }
}

void ViewFinding::AddIdentity(const trace::Dependency& dependency, Index stack) {
  At(dependency).AddIdentity(stack);
}

void ViewFinding::AddStep(int part, std::string action, int lock, const trace::Dependency& dependency,
                          Index stack) {
  At(dependency).AddStep(part, std::move(action), lock, stack);
}

void ViewFinding::SetWait(int part, int lock, const trace::Dependency& dependency) {
  WaitPart& waits = finding().threads[static_cast<size_t>(part)].waits;
  waits.kind = trace::WaitKind::kLock;
  waits.lock = lock;
  waits.mode = dependency.mode;
  waits.stack = At(dependency).Stack(dependency.stack);
}

void ViewFinding::AddProcesses() {
  std::set<Index> processes;
  for (const ThreadPart& part : finding().threads) {
    processes.insert(part.process);
  }
  for (const Index process : processes) {
    if (processes.size() > 1) {
      builder_.In(process).AddProcess();
    }
  }
}

std::string ViewContent::Lock(Index lock) {
  if (const OrderView::End* end = view_.EndAt(lock); end != nullptr) {
    const OrderView::Origin origin = view_.OfThread(end->thread);
    const trace::Process& process = run_.processes[static_cast<size_t>(origin.process)];
    return end->of_process
               ? absl::StrCat("end of process:", CommandOf(process))
               : absl::StrCat(
                     "end:", content_.Stack(origin.process,
                                            process.threads[static_cast<size_t>(origin.index)].create_stack));
  }
  const OrderView::Origin origin = view_.OfLock(lock);
  return content_.LockClass(origin.process, origin.index);
}

const std::string& ViewContent::Stack(const trace::Dependency& dependency, Index stack) {
  return content_.Stack(view_.OfThread(dependency.thread).process, stack);
}

}  // namespace gordian::analyze
