// Runs written by hand: a script of lock, thread and process events becomes the Run that the recorder would
// have left, without a thread, a sleep or a process.
//
//     1:create(2) 1:+A 1:+B 1:-B 1:-A | 2:+B 2:+A 2:-A 2:-B 2:end | 1:join(2) 1:exit
//
// Words are separated by white space; "|" is for the eye. Thread 1 is the main thread.
//
//     live             the process still runs and so does the run; else both are over after the script
//     A=PROPERTY,...   declares lock A. Locks need no declaration: a lock is a static mutex of a class of its
//     own.
//                      kinds       recursive errorcheck rwlock writer-rwlock condition semaphore spinlock
//                                  barrier once stream flock fcntl openfile named
//                      properties  robust shared interpreter handoff locklike stack
//                                  one   a semaphore that was made to let one in
//                                  lost  not all of its hand-overs were recorded
//                                  inherited:TID  from before the fork, held by TID then (0: by nobody)
//                                  class:X        dynamic; all locks of class X come from one place
//                                  common         known to all processes as the object of this name
//                                  common:F:FROM:LENGTH  a range of file F (LENGTH 0: to its end)
//     T:EVENT          thread T does something:
//       +A  +A/r       locks A (for reading, also once more); waits as long as it takes
//       ?A  ~A         try-locks, locks with a timeout, and gets it
//       -A             unlocks A
//       !A  !A/r  !~A  blocks on A for good, for reading, with a timeout
//       wait(C,A)      waits on condition C with mutex A, and returns;  timedwait(C,A) with a timeout
//       !wait(C,A)     waits on condition C
//       signal(C)
//       !barrier(B)    waits at barrier B
//       gives(S) takes(S)  hands something over by S, a semaphore unless declared otherwise, and comes past
//       it.
//                      gives(S,N)  with the value N; gives(C,N) takes(C,N)  of a condition, its signals
//       barrier(B,N)   passes barrier B in round N
//       passes         passes a wait that others end (a semaphore, a barrier)
//       !rewait(C,A)   was signalled and queues for A
//       create(U)  create(U,detached)  detach(U)
//       join(U)  !join(U)  timedjoin(U)
//       fork(PID)      forks, without exec;  spawn(PID) is posix_spawn
//       reap(PID)      gets the status of an ended child;  waitpid(PID)  waits for it first
//       end            its start routine returns
//       gone           the kernel does not know it any more, though it never ended
//       moving         was seen to move between two looks
//       exit  _exit  quick_exit  abort    ends the process
//     EVENT@N          at place N of the code; else every event is a place of its own
//
// Dependencies are recorded and merged as the recorder does: at a lock or a join that may wait for good, one
// for each thread, held set with modes and places, lock, mode and place. With nothing held, one for the first
// lock that a thread takes at a place in a segment.
//
// Thread safety: a function without shared state.
#ifndef GORDIAN_TESTS_SUPPORT_EVENT_SCRIPT_H_
#define GORDIAN_TESTS_SUPPORT_EVENT_SCRIPT_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "libsync/trace/run.h"

namespace gordian::test {

struct Played {
  trace::Run run;  // its processes[0] is what the script made
  std::map<std::string, trace::Index> locks;
  std::map<int, trace::Index> threads;

  trace::Process& process() { return run.processes.front(); }
  const trace::Process& process() const { return run.processes.front(); }
  trace::Thread& thread(int number) { return process().threads[static_cast<size_t>(threads.at(number))]; }
  trace::Lock& lock(const std::string& name) { return process().locks[static_cast<size_t>(locks.at(name))]; }
};

// One process of several: its pid, its script, and when it began.
struct Member {
  int pid = 0;
  std::string_view script;
  uint64_t start_ms = 1;
};
// A run of several processes: processes[0] is the root. Who forked whom follows from fork(PID) in the
// scripts; a process begins after its fork.
trace::Run PlayTogether(const std::vector<Member>& members);

// Throws std::invalid_argument, naming the word, for a script that means nothing: an unlock of what is not
// held, an event of a thread that is blocked, has ended or was never created.
Played Play(std::string_view script);

}  // namespace gordian::test

#endif  // GORDIAN_TESTS_SUPPORT_EVENT_SCRIPT_H_
