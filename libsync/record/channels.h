// What goes from one thread or process to another through the kernel: pipes, sockets of the run, eventfds,
// signals that are waited for, message queues. Whoever takes follows all that was given before, as with a
// condition (hand_overs.h): nothing here is a lock, and nothing is published about who waits.
//
//     BeforeGiving(fd, CALL_SITE());
//     return REAL(write)(fd, buffer, bytes);
//
//     const ssize_t result = REAL(read)(fd, buffer, bytes);
//     if (result >= 0) AfterTaking(fd);
//
// A hand-over that tells nothing new (nothing was locked or handed over since the thread's last one) is not
// recorded, so that the bound of each channel is met by those that matter.
//
// Safe in signal handlers. A thread that is not registered yet is not registered by these.
#ifndef GORDIAN_LIBSYNC_RECORD_CHANNELS_H_
#define GORDIAN_LIBSYNC_RECORD_CHANNELS_H_

#include <sys/epoll.h>
#include <sys/socket.h>

#include <cstdint>

#include "libsync/record/descriptors.h"
#include "libsync/record/hand_overs.h"
#include "libsync/record/stack.h"

namespace gordian::record {

// The slow ways: to be called through the inline ones.
void GiveThrough(int fd, const Site& site);
void TakeThrough(int fd);
// In a fork child that has no trace yet: it is told once there is one.
void TakeEarly(int fd);
// What the thread took before. REQUIRES: inside the recorder, trace open.
void RecordTakenEarly(Thread* thread);

inline uint64_t LastOf(const Thread* thread, uint32_t known) { return uint64_t{thread->ref} << 32 | known; }

inline bool HandsOverNothing(int fd, Flow flow) { return UseOf(fd, flow) == EndUse::kNothing; }

// The thread is going to write to the descriptor, or to close it.
inline void BeforeGiving(int fd, const Site& site) {
  const EndUse use = UseOf(fd, Flow::kGive);
  if (use == EndUse::kNothing || use == EndUse::kSpent || t_thread->own_slot == nullptr) {
    return;
  }
  const uint64_t last = __atomic_load_n(&EndAt(fd, Flow::kGive)->last, __ATOMIC_RELAXED);
  if (last != LastOf(t_thread, t_thread->order_facts)) {
    GiveThrough(fd, site);
  }
}

// The thread has read from the descriptor, or was told that it can.
inline void AfterTaking(int fd) {
  const EndUse use = UseOf(fd, Flow::kTake);
  if (use == EndUse::kNothing) {
    return;
  }
  if (t_thread->own_slot == nullptr) {
    TakeEarly(fd);
    return;
  }
  if (use == EndUse::kSpent) {
    NoteOrder(t_thread);
    return;
  }
  const End* end = EndAt(fd, Flow::kTake);
  const trace::Ref channel = __atomic_load_n(&end->channel, __ATOMIC_RELAXED);
  const uint64_t last = __atomic_load_n(&end->last, __ATOMIC_RELAXED);
  if (channel != 0 && last == LastOf(t_thread, g_trace.At<trace::LockRecord>(channel)->signals)) {
    NoteOrder(t_thread);
    return;
  }
  TakeThrough(fd);
}

// sendto and sendmsg to an address; connect, to whoever accepts.
void BeforeGivingTo(int fd, const void* address, socklen_t bytes, const Site& site);
// `message` may be anything.
void BeforeGivingMessage(int fd, const msghdr* message, const Site& site);
void BeforeConnecting(int fd, const void* address, socklen_t bytes, const Site& site);
void AfterAccepting(int listener);

// epoll_ctl has it watch the descriptor, and epoll_wait tells of it with these data.
void BeforeWatching(int epoll, int fd, const epoll_event* event, const Site& site);
void AfterEpollWait(int epoll, uint64_t data);
// Whether AfterEpollWait has anything to do for any data.
bool WatchesChannels(int epoll);

// Signals between threads and processes; `pid` is the receiving process, 0: this one.
void BeforeSignal(pid_t pid, int signal, const Site& site);
void AfterSignal(int signal);
// One of those that have a handler came, or another one: which is not known.
void AfterAnySignal();

// System V message queues.
void BeforeMessage(int queue, const Site& site);
void AfterMessage(int queue);

}  // namespace gordian::record

#endif  // GORDIAN_LIBSYNC_RECORD_CHANNELS_H_
