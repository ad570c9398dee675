#include "libsync/record/handlers.h"

#include <signal.h>

#include "libsync/record/libc_facts.h"
#include "libsync/record/raw.h"
#include "libsync/record/thread.h"

namespace gordian::record {
namespace {

constexpr int kSignals = 64;

constexpr uint64_t Bit(int signal) { return uint64_t{1} << (signal - 1); }

// Survives a fork, as the handlers do.
struct Handlers {
  uint64_t handled;
  uint64_t ever_handled;
  const void* functions[kSignals + 1];
};
constinit Handlers g_handlers{};

uint64_t BlockedSignals() {
  uint64_t blocked = ~uint64_t{0};
  if (!g_no_syscalls) {
    RawSyscall(SYS_rt_sigprocmask, SIG_BLOCK, 0, ToRaw(&blocked), sizeof(blocked));
  }
  return blocked;
}

// What threads know of their acquisitions they learnt before the signal had a handler.
void LetAllRelearn() {
  if (!IsReady()) {
    return;
  }
  ForEachThread([](Thread* thread) {
    __atomic_store_n(&thread->relearns, true, __ATOMIC_RELAXED);
    __atomic_store_n(&thread->slot, nullptr, __ATOMIC_RELAXED);
    __atomic_store_n(&thread->profiled_slot, nullptr, __ATOMIC_RELAXED);
  });
}

}  // namespace

bool MayInterrupt(int signal) {
  switch (signal) {
    case SIGSEGV:
    case SIGBUS:
    case SIGFPE:
    case SIGILL:
    case SIGTRAP:
    case SIGSYS:
    case SIGABRT:
      return false;
    default:
      return signal >= 1 && signal <= kSignals && (signal < kFirstSignalOfLibc || signal > kLastSignalOfLibc);
  }
}

void RecordHandler(int signal, const void* handler) {
  if (!MayInterrupt(signal) || t_vfork_depth != 0) {
    return;
  }
  const uint64_t bit = Bit(signal);
  __atomic_store_n(&g_handlers.functions[signal], handler, __ATOMIC_RELAXED);
  if (handler == nullptr) {
    __atomic_fetch_and(&g_handlers.handled, ~bit, __ATOMIC_RELAXED);
    return;
  }
  __atomic_fetch_or(&g_handlers.handled, bit, __ATOMIC_RELAXED);
  if ((__atomic_fetch_or(&g_handlers.ever_handled, bit, __ATOMIC_RELAXED) & bit) == 0) {
    LetAllRelearn();
  }
}

uint64_t HandledSignals() { return __atomic_load_n(&g_handlers.handled, __ATOMIC_RELAXED); }

uint64_t OpenSignals(uint64_t wanted) {
  const uint64_t handled = __atomic_load_n(&g_handlers.handled, __ATOMIC_RELAXED) & wanted;
  return handled == 0 ? 0 : handled & ~BlockedSignals();
}

void NoteHandlerStack(trace::Ref stack, const InterruptedBy& by) {
  const uint64_t blocked = BlockedSignals();
  if (blocked == ~uint64_t{0}) {
    return;
  }
  const uint64_t before = *reinterpret_cast<const uint64_t*>(by.frame + kInterruptedMaskOffset);
  const uint64_t handled = __atomic_load_n(&g_handlers.handled, __ATOMIC_RELAXED);
  uint64_t same_function = 0;
  for (int signal = 1; signal <= kSignals; ++signal) {
    const auto function = reinterpret_cast<uintptr_t>(g_handlers.functions[signal]);
    same_function |= (handled & Bit(signal)) != 0 && function == by.function ? Bit(signal) : 0;
  }
  // The handler's own signal is blocked while it runs, with whatever else it asked for; unless it asked for
  // SA_NODEFER.
  const uint64_t blocked_for_it = handled & blocked & ~before;
  const uint64_t both = same_function & blocked_for_it;
  const uint64_t signals = both != 0 ? both : blocked_for_it != 0 ? blocked_for_it : same_function;
  if (signals != 0) {
    g_image->handler_stacks.Put(&g_image->arena, stack, signals);
  }
}

uint64_t HandlerSignals(trace::Ref stack) { return g_image->handler_stacks.Find(stack); }

}  // namespace gordian::record
