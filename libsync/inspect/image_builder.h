// From what is seen of a process's threads and memory to its trace::Process, of a living process as of a
// core: stacks, what each thread waits for, and who holds that.
//
// Thread safety: none; one thread at a time.
#ifndef GORDIAN_LIBSYNC_INSPECT_IMAGE_BUILDER_H_
#define GORDIAN_LIBSYNC_INSPECT_IMAGE_BUILDER_H_

#include <sys/types.h>

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "libsync/inspect/address_space.h"
#include "libsync/inspect/futex_wait.h"
#include "libsync/inspect/libc_layout.h"
#include "libsync/inspect/memory.h"
#include "libsync/inspect/proc.h"
#include "libsync/inspect/python/process.h"
#include "libsync/inspect/registers.h"
#include "libsync/inspect/unwind.h"
#include "libsync/trace/run.h"

namespace gordian::inspect {

struct SeenThread {
  std::string name;
  pid_t inner_tid = 0;  // as the process itself knows it
  bool ended = false;   // a main thread stays, as a zombie, until the last of the others is gone
  bool sleeps = false;  // in the call that `wait` tells of
  bool stopped = false;
  bool moved = false;  // since it was first seen
  TaskWait wait;
  std::string object;  // for people: what the call is about, "fd 5, a pipe"
  std::optional<FutexWait> futex;
};

class ImageBuilder {
 public:
  // `memory` must outlive this. `inner_tids`: of all threads.
  ImageBuilder(const Memory* memory, AddressSpace space, std::set<pid_t> inner_tids);

  const AddressSpace& space() const { return space_; }

  void TakeStack(pid_t tid, pid_t inner_tid, const Registers& registers);
  // What a thread waits for now, if it is for a futex; surer where its stack was taken.
  std::optional<FutexWait> Identify(pid_t tid, const TaskWait& wait) const;

  // Modules, stacks, threads and locks. Called once, at the end. `threads`: by tid.
  trace::Process Build(pid_t pid, const std::map<pid_t, SeenThread>& threads);
  // What could not be read of it, empty if nothing. Complete once all stacks are taken.
  const std::string& unread() const { return unread_; }
  // Its threads by the numbers that the process itself knows, then.
  const std::map<pid_t, trace::Index>& threads() const { return threads_; }

 private:
  // Where a thread is in the C library, and where it was when a signal came.
  struct LibraryCalls {
    size_t depth = 0;                      // innermost frames that lie in it
    std::string outermost;                 // of them, empty: without a name
    std::vector<std::string> interrupted;  // all functions, innermost first
    bool interrupted_libc = false;         // the innermost one lies in it
  };
  trace::Index AddStack(const Unwinder::Walk& walk);
  // Puts what the interpreter runs in the place of its own frames. False: nothing of it is known.
  bool PutScript(pid_t inner_tid, const Unwinder::Walk& walk, trace::Stack* stack);
  void AddThread(pid_t tid, const SeenThread& seen);
  void AddWait(pid_t tid, const SeenThread& seen, pid_t owner_by_stacks, trace::Thread* thread);
  // What only the interpreter knows of a wait for one of its semaphores. False: nothing.
  bool AddPythonWait(const SeenThread& seen, trace::Wait* wait);
  // And of a call that waits for what others write or end.
  void AddPythonWords(const SeenThread& seen, trace::Wait* wait);
  void AddPythonHoldings(pid_t inner_tid, trace::Index thread);
  trace::Index AddPythonLock(const python::PythonLock& lock, pid_t inner_tid);
  // Who initialises the static variable that the thread waits for; 0: it waits for none, or it is not known.
  pid_t InitializerFor(const SeenThread& seen, const std::map<pid_t, SeenThread>& threads);
  trace::Index AddLock(const FutexWait& futex, pid_t waiter);
  void AddOwner(const FutexWait& futex, trace::Index lock);
  bool IsInLibc(uint64_t address) const;
  void NoteLibraryCalls(pid_t tid, const Unwinder::Walk& walk);
  bool IsBehindCallOfKernel(size_t frame, const Unwinder::Walk& walk) const;
  bool MayHaveTaken(pid_t tid, const FutexWait& futex) const;
  bool MayHold(pid_t tid, const SeenThread& seen, const FutexWait& futex) const;
  pid_t InterruptedOwner(pid_t tid, const std::map<pid_t, SeenThread>& threads) const;
  std::string LibraryLockName(const FutexWait& futex, pid_t tid) const;
  // Whom the stacks alone tell, 0: nobody.
  pid_t OwnerByStacks(pid_t tid, const SeenThread& seen, const std::map<pid_t, SeenThread>& threads);
  trace::Index AddGoneOwner(pid_t inner_tid);
  std::optional<trace::SharedIdentity> SharedPlace(uint64_t address) const;
  trace::Index ThreadByInnerTid(pid_t inner_tid) const;

  const Memory* memory_;
  const AddressSpace space_;
  const std::set<pid_t> inner_tids_;
  std::unique_ptr<Unwinder> unwinder_;
  std::optional<python::Process> python_;
  std::string unread_;
  const LibcLayout* const layout_;
  std::map<pid_t, trace::Index> stack_of_;
  std::map<pid_t, std::vector<std::string>> functions_of_;
  std::map<pid_t, std::vector<uint64_t>> addresses_of_;
  std::set<pid_t> complete_;  // stacks that were walked to their ends
  std::map<pid_t, LibraryCalls> library_calls_;
  std::map<std::vector<uint64_t>, trace::Index> stacks_;
  std::map<std::pair<uint64_t, trace::LockKind>, trace::Index> locks_;
  std::map<pid_t, trace::Index> threads_;  // by inner tid
  pid_t main_inner_tid_ = 0;
  trace::Process process_;
};

}  // namespace gordian::inspect

#endif  // GORDIAN_LIBSYNC_INSPECT_IMAGE_BUILDER_H_
