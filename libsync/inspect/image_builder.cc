#include "libsync/inspect/image_builder.h"

#include <sys/syscall.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "libsync/inspect/calls.h"
#include "libsync/inspect/python/vocabulary.h"
#include "libsync/inspect/static_guards.h"

namespace gordian::inspect {
namespace {

using trace::Index;
using trace::kNoIndex;
using trace::WaitKind;

// The functions that tell what a futex is stand among so many innermost frames.
constexpr size_t kNamedFrames = 6;

}  // namespace

ImageBuilder::ImageBuilder(const Memory* memory, AddressSpace space, std::set<pid_t> inner_tids)
    : memory_(memory),
      space_(std::move(space)),
      inner_tids_(std::move(inner_tids)),
      layout_(LayoutOf(space_, *memory)) {}

void ImageBuilder::TakeStack(pid_t tid, pid_t inner_tid, const Registers& registers) {
  // They open the files of all modules: only where a stack is wanted.
  if (unwinder_ == nullptr) {
    unwinder_ = std::make_unique<Unwinder>(memory_, &space_);
    if (auto found = python::Interpreter::Find(memory_, &space_, layout_, inner_tids_, &unread_)) {
      python_.emplace(std::move(found));
    }
  }
  const Unwinder::Walk walk = unwinder_->Unwind(registers);
  trace::Stack script;
  if (python_ && PutScript(inner_tid, walk, &script)) {
    stack_of_[tid] = static_cast<Index>(process_.stacks.size());
    process_.stacks.push_back(std::move(script));
  } else {
    stack_of_[tid] = AddStack(walk);
  }
  addresses_of_[tid] = walk.addresses;
  std::vector<std::string>& functions = functions_of_[tid];
  for (size_t i = 0; i < walk.addresses.size() && i < kNamedFrames; ++i) {
    // What a signal interrupted is not what the thread is in now.
    if (i > 0 && unwinder_->IsSignalReturn(walk.addresses[i])) {
      break;
    }
    functions.push_back(unwinder_->FunctionAt(walk.addresses[i] - (i > 0 ? 1 : 0)));
  }
  if (walk.complete) {
    complete_.insert(tid);
  }
  NoteLibraryCalls(tid, walk);
}

void ImageBuilder::NoteLibraryCalls(pid_t tid, const Unwinder::Walk& walk) {
  LibraryCalls& calls = library_calls_[tid];
  const auto name_of = [&](size_t frame, bool at_instruction) {
    return unwinder_->FunctionAt(walk.addresses[frame] - (at_instruction ? 0 : 1));
  };
  size_t frame = 0;
  for (; frame < walk.addresses.size() && IsInLibc(walk.addresses[frame]); ++frame) {
    if (unwinder_->IsSignalReturn(walk.addresses[frame])) {
      break;
    }
    calls.outermost = name_of(frame, frame == 0);
    ++calls.depth;
  }
  while (frame < walk.addresses.size() && !unwinder_->IsSignalReturn(walk.addresses[frame])) {
    ++frame;
  }
  // What was interrupted stands at an instruction, all others behind a call.
  const size_t interrupted = frame + 1;
  for (size_t f = interrupted; f < walk.addresses.size(); ++f) {
    calls.interrupted.push_back(name_of(f, f == interrupted));
  }
  calls.interrupted_libc = interrupted < walk.addresses.size() && IsInLibc(walk.addresses[interrupted]) &&
                           !IsBehindCallOfKernel(interrupted, walk);
}

// A program's own call, of pause and its kin, which has no lock.
bool ImageBuilder::IsBehindCallOfKernel(size_t frame, const Unwinder::Walk& walk) const {
  constexpr std::array<uint8_t, 2> syscall = {0x0F, 0x05};
  std::array<uint8_t, 2> code{};
  const uint64_t address = walk.addresses[frame];
  const bool is_outermost = frame + 1 >= walk.addresses.size() || !IsInLibc(walk.addresses[frame + 1]);
  return is_outermost && memory_->Read(address - code.size(), code.data(), code.size()) == code.size() &&
         code == syscall;
}

bool ImageBuilder::IsInLibc(uint64_t address) const {
  const Index module = space_.FrameAt(address).module;
  return module != kNoIndex && IsLibc(space_.modules[static_cast<size_t>(module)].path);
}

// A signal came while the thread was in a call that may have taken the lock.
bool ImageBuilder::MayHaveTaken(pid_t tid, const FutexWait& futex) const {
  const auto found = library_calls_.find(tid);
  if (found == library_calls_.end()) {
    return false;
  }
  const std::vector<std::string>& interrupted = found->second.interrupted;
  return futex.of_malloc ? std::any_of(interrupted.begin(), interrupted.end(), IsAllocator)
                         : found->second.interrupted_libc &&
                               std::none_of(interrupted.begin(), interrupted.end(), IsLowLevelWait);
}

// Who runs may; who sleeps does not, unless that is within a call that has such a lock.
bool ImageBuilder::MayHold(pid_t tid, const SeenThread& seen, const FutexWait& futex) const {
  if (seen.ended) {
    return false;
  }
  const auto functions = functions_of_.find(tid);
  if (!seen.sleeps || !complete_.contains(tid) || functions == functions_of_.end() ||
      MayHaveTaken(tid, futex)) {
    return true;
  }
  if (futex.of_malloc) {
    return !(seen.futex && seen.futex->of_malloc) &&
           std::any_of(functions->second.begin(), functions->second.end(), IsAllocator);
  }
  const bool waits_too = seen.futex && seen.futex->of_libc && seen.futex->address == futex.address;
  // The C library has files and sockets of its own under such a lock, deeper than where a program calls it.
  return !waits_too && IsInputOutput(seen.wait.syscall) && library_calls_.at(tid).depth > 1;
}

// Such a lock has no owner. It is the thread itself where a signal came while it was in a call that takes the
// lock, and no other thread is or may be in there: each sleeps elsewhere, or waits for the lock itself.
pid_t ImageBuilder::InterruptedOwner(pid_t tid, const std::map<pid_t, SeenThread>& threads) const {
  const FutexWait& futex = *threads.at(tid).futex;
  const bool alone = std::none_of(threads.begin(), threads.end(), [&](const auto& other) {
    return other.first != tid && MayHold(other.first, other.second, futex);
  });
  return alone && MayHaveTaken(tid, futex) ? threads.at(tid).inner_tid : 0;
}

std::string ImageBuilder::LibraryLockName(const FutexWait& futex, pid_t tid) const {
  if (futex.of_malloc) {
    return "malloc's arena lock";
  }
  const auto calls = library_calls_.find(tid);
  std::string_view function = calls == library_calls_.end() ? "" : std::string_view(calls->second.outermost);
  constexpr std::string_view of_streams = "IO_";  // "_IO_printf" is printf
  function.remove_prefix(function.starts_with(of_streams) ? of_streams.size() : 0);
  return function.empty() || IsLowLevelWait(calls->second.outermost)
             ? "a lock of the C library"
             : "the C library's lock of " + std::string(function) + "()";
}

Index ImageBuilder::AddStack(const Unwinder::Walk& walk) {
  const auto [known, is_new] =
      stacks_.try_emplace(walk.addresses, static_cast<Index>(process_.stacks.size()));
  if (is_new) {
    process_.stacks.push_back(ToStack(walk, space_));
  }
  return known->second;
}

bool ImageBuilder::PutScript(pid_t inner_tid, const Unwinder::Walk& walk, trace::Stack* stack) {
  const std::vector<std::vector<trace::Frame>> loops = python_->interpreter->StackOf(inner_tid);
  auto loop = loops.begin();
  const auto put = [stack](const std::vector<trace::Frame>& frames) {
    stack->frames.insert(stack->frames.end(), frames.begin(), frames.end());
  };
  const trace::Stack native = ToStack(walk, space_);
  for (size_t i = 0; i < native.frames.size(); ++i) {
    if (native.frames[i].module != python_->interpreter->module()) {
      stack->frames.push_back(native.frames[i]);
    } else if (loop != loops.end() && python_->interpreter->IsEvaluationLoop(walk.addresses[i])) {
      put(*loop++);
    }
  }
  // A walk that came to no end, or parts of the loop that have no symbol.
  while (loop != loops.end()) {
    put(*loop++);
  }
  return !loops.empty();
}

std::optional<FutexWait> ImageBuilder::Identify(pid_t tid, const TaskWait& wait) const {
  if (!IsFutexWait(wait)) {
    return std::nullopt;
  }
  FutexWitnesses witnesses;
  witnesses.layout = layout_;
  witnesses.memory = memory_;
  const auto functions = functions_of_.find(tid);
  if (functions != functions_of_.end()) {
    witnesses.functions = functions->second;
  }
  witnesses.in_libc = IsInLibc(wait.args[0]);
  witnesses.is_thread = [this](pid_t inner_tid) { return inner_tids_.contains(inner_tid); };
  return IdentifyFutexWait(wait, witnesses);
}

trace::Process ImageBuilder::Build(pid_t pid, const std::map<pid_t, SeenThread>& threads) {
  process_.pid = pid;
  process_.modules = space_.modules;
  // No recorder was there whose work could be missing.
  process_.flags = trace::kHooksWork | trace::kTagsWork;
  const auto main = threads.find(pid);
  main_inner_tid_ = main != threads.end() ? main->second.inner_tid : 0;
  for (const auto& [tid, seen] : threads) {
    AddThread(tid, seen);
  }
  for (const auto& [tid, seen] : threads) {
    trace::Thread& thread = process_.threads[static_cast<size_t>(threads_.at(seen.inner_tid))];
    if (seen.sleeps) {
      AddWait(tid, seen, OwnerByStacks(tid, seen, threads), &thread);
    }
    if (python_) {
      AddPythonHoldings(seen.inner_tid, threads_.at(seen.inner_tid));
    }
  }
  return std::move(process_);
}

void ImageBuilder::AddThread(pid_t tid, const SeenThread& seen) {
  trace::Thread thread;
  thread.tid = tid;
  thread.name = python_ ? python_->threads.NameOf(seen.inner_tid) : "";
  if (thread.name.empty()) {
    thread.name = seen.name;
  }
  thread.live = true;
  if (tid == process_.pid) {
    thread.flags = trace::kMainThread;
  }
  thread.state = seen.ended ? trace::ThreadState::kFinished : trace::ThreadState::kRunning;
  if (const auto stack = stack_of_.find(tid); stack != stack_of_.end()) {
    thread.wait.stack = stack->second;
  }
  threads_[seen.inner_tid] = static_cast<Index>(process_.threads.size());
  process_.threads.push_back(std::move(thread));
}

pid_t ImageBuilder::InitializerFor(const SeenThread& seen, const std::map<pid_t, SeenThread>& threads) {
  if (!seen.futex || seen.futex->kind != trace::LockKind::kOnce || unwinder_ == nullptr) {
    return 0;
  }
  const auto waits_for_it = [&](pid_t tid) {
    const auto other = threads.find(tid);
    return other != threads.end() && other->second.futex && other->second.sleeps &&
           other->second.futex->address == seen.futex->address;
  };
  GuardSearch search;
  search.memory = memory_;
  search.function_at = [this](uint64_t address) { return unwinder_->FunctionAt(address); };
  search.stacks = &addresses_of_;
  search.waits_for_it = waits_for_it;
  const auto found = threads.find(FindInitializer(seen.futex->address, search));
  return found == threads.end() ? 0 : found->second.inner_tid;
}

pid_t ImageBuilder::OwnerByStacks(pid_t tid, const SeenThread& seen,
                                  const std::map<pid_t, SeenThread>& threads) {
  return seen.futex && (seen.futex->of_malloc || seen.futex->of_libc) ? InterruptedOwner(tid, threads)
                                                                      : InitializerFor(seen, threads);
}

void ImageBuilder::AddWait(pid_t tid, const SeenThread& seen, pid_t owner_by_stacks, trace::Thread* thread) {
  trace::Wait& wait = thread->wait;
  const Call* call = FindCall(seen.wait.syscall);
  wait.timed = IsTimed(seen.wait);
  wait.note = call != nullptr ? call->name : "system call " + std::to_string(seen.wait.syscall);
  if (!seen.object.empty()) {
    wait.note += " of " + seen.object;
  }
  bool owned = false;
  Index lock = kNoIndex;
  if (seen.futex) {
    FutexWait futex = *seen.futex;
    futex.owner = owner_by_stacks != 0 ? owner_by_stacks : futex.owner;
    wait.kind = futex.wait;
    wait.mode = futex.mode;
    wait.address = futex.address;
    wait.contended = futex.contended && futex.owner == 0;
    owned = futex.owner != 0;
    if (AddPythonWait(seen, &wait)) {
      // The semaphore is only what the lock, or the end of a thread, is made of.
    } else if (futex.wait == WaitKind::kJoin) {
      wait.thread = ThreadByInnerTid(futex.owner);
    } else if (futex.kind != trace::LockKind::kUnknown) {
      lock = AddLock(futex, tid);
      wait.lock = lock;
    }
  } else if (seen.wait.syscall == SYS_wait4 || seen.wait.syscall == SYS_waitid) {
    wait.kind = WaitKind::kProcess;
    wait.value = static_cast<int32_t>(seen.wait.args[seen.wait.syscall == SYS_waitid ? 1 : 0]);
  } else if (seen.wait.syscall == SYS_nanosleep || seen.wait.syscall == SYS_clock_nanosleep) {
    wait.kind = WaitKind::kSleep;
  } else {
    wait.kind = WaitKind::kCall;
    AddPythonWords(seen, &wait);
  }
  // A stopped thread is somewhere in its call or behind it; only an owner in the memory still says that it
  // cannot go on.
  thread->settled = !seen.moved && (!seen.stopped || owned);
  if (lock != kNoIndex && owned) {
    FutexWait futex = *seen.futex;
    futex.owner = owner_by_stacks != 0 ? owner_by_stacks : futex.owner;
    AddOwner(futex, lock);  // may move `thread`
  }
}

bool ImageBuilder::AddPythonWait(const SeenThread& seen, trace::Wait* wait) {
  if (!python_ || seen.futex->kind != trace::LockKind::kSemaphore) {
    return false;
  }
  if (const pid_t joined = python_->threads.JoinedBy(seen.inner_tid); joined != 0) {
    wait->kind = WaitKind::kJoin;
    wait->thread = ThreadByInnerTid(joined);
    return true;
  }
  auto lock = python_->locks.WaitedFor(seen.inner_tid, seen.futex->address);
  const bool is_library_lock = !lock || python_->variables.NameOf(lock->object, seen.inner_tid).empty();
  const std::string words =
      is_library_lock ? python::WhatIsAwaited(seen.inner_tid, python_->interpreter.get(), &python_->variables)
                      : "";
  if (!lock && (words.empty() || seen.futex->shared)) {
    return false;
  }
  wait->kind = WaitKind::kLock;
  wait->mode = trace::Mode::kExclusive;
  wait->lock =
      AddPythonLock(lock.value_or(python::PythonLock{0, seen.futex->address, false}), seen.inner_tid);
  // What a queue or an event is made of is nobody's lock, and has no name of its own.
  trace::Lock& added = process_.locks[static_cast<size_t>(wait->lock)];
  if (added.name.empty() && !words.empty()) {
    added.name = words;
    added.kind = trace::LockKind::kSemaphore;
  }
  return true;
}

void ImageBuilder::AddPythonWords(const SeenThread& seen, trace::Wait* wait) {
  const std::string words =
      python_ ? python::WhatIsAwaited(seen.inner_tid, python_->interpreter.get(), &python_->variables) : "";
  wait->note += words.empty() ? "" : ", for " + words;
}

void ImageBuilder::AddPythonHoldings(pid_t inner_tid, Index thread) {
  for (const python::HeldLock& held : python_->locks.HeldBy(inner_tid)) {
    trace::Holding holding;
    holding.lock = AddPythonLock(held.lock, inner_tid);
    holding.stack = static_cast<Index>(process_.stacks.size());
    process_.stacks.push_back({held.stack});
    process_.threads[static_cast<size_t>(thread)].held.push_back(holding);
  }
}

Index ImageBuilder::AddPythonLock(const python::PythonLock& python, pid_t inner_tid) {
  const trace::LockKind kind = python.reentrant ? trace::LockKind::kRecursiveMutex : trace::LockKind::kMutex;
  const auto [known, is_new] =
      locks_.try_emplace(std::pair(python.object != 0 ? python.object : python.semaphore, kind),
                         static_cast<Index>(process_.locks.size()));
  if (is_new) {
    trace::Lock lock;
    lock.ref = static_cast<trace::Ref>(process_.locks.size() + 1);
    lock.kind = kind;
    lock.address = python.semaphore != 0 ? python.semaphore : python.object;
    lock.script = true;
    lock.name = python.object == 0 ? "" : python_->variables.NameOf(python.object, inner_tid);
    process_.locks.push_back(std::move(lock));
  }
  return known->second;
}

Index ImageBuilder::AddLock(const FutexWait& futex, pid_t waiter) {
  const auto [known, is_new] =
      locks_.try_emplace(std::pair(futex.address, futex.kind), static_cast<Index>(process_.locks.size()));
  if (is_new) {
    trace::Lock lock;
    lock.ref = static_cast<trace::Ref>(process_.locks.size() + 1);
    lock.kind = futex.kind;
    lock.flags = futex.flags;
    lock.address = futex.address;
    if (futex.of_malloc || futex.of_libc) {
      lock.of_library = true;
      lock.name = LibraryLockName(futex, waiter);
    }
    if (futex.shared) {
      lock.flags |= trace::kProcessShared;
      lock.shared = SharedPlace(futex.address);
    }
    const trace::Frame place = space_.FrameAt(futex.address);
    if (place.module != kNoIndex) {
      lock.place = place;
      lock.flags |= trace::kStatic;
    }
    process_.locks.push_back(std::move(lock));
  }
  return known->second;
}

void ImageBuilder::AddOwner(const FutexWait& futex, Index lock) {
  Index owner = ThreadByInnerTid(futex.owner);
  if (owner == kNoIndex) {
    // What other processes may lock, one of them may hold.
    if (futex.shared) {
      return;
    }
    // The lock was copied at a fork while a thread held it that the child does not have. Numbers are given in
    // ascending order: what is smaller than the process's own was there before it.
    if (futex.owner < main_inner_tid_) {
      process_.locks[static_cast<size_t>(lock)].flags |= trace::kInherited;
      process_.locks[static_cast<size_t>(lock)].owner_at_fork = futex.owner;
      return;
    }
    owner = AddGoneOwner(futex.owner);
  }
  std::vector<trace::Holding>& held = process_.threads[static_cast<size_t>(owner)].held;
  const bool known =
      std::any_of(held.begin(), held.end(), [lock](const trace::Holding& h) { return h.lock == lock; });
  if (!known) {
    trace::Holding holding;
    holding.lock = lock;
    held.push_back(holding);
  }
}

std::optional<trace::SharedIdentity> ImageBuilder::SharedPlace(uint64_t address) const {
  const Mapping* mapping = space_.MappingAt(address);
  if (mapping == nullptr || !mapping->shared || mapping->inode == 0) {
    return std::nullopt;
  }
  trace::SharedIdentity identity;
  identity.space = trace::SharedSpace::kMemory;
  identity.device = mapping->device;
  identity.inode = mapping->inode;
  identity.offset = mapping->offset + (address - mapping->start);
  return identity;
}

Index ImageBuilder::ThreadByInnerTid(pid_t inner_tid) const {
  const auto found = threads_.find(inner_tid);
  return found == threads_.end() ? kNoIndex : found->second;
}

Index ImageBuilder::AddGoneOwner(pid_t inner_tid) {
  const auto index = static_cast<Index>(process_.threads.size());
  trace::Thread thread;
  thread.tid = inner_tid;
  thread.gone = true;
  process_.threads.push_back(std::move(thread));
  threads_[inner_tid] = index;
  return index;
}

}  // namespace gordian::inspect
