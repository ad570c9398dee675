#include "libsync/record/channels.h"

#include <sys/stat.h>

#include <cstring>

#include "libsync/record/acquire.h"
#include "libsync/record/channel_names.h"
#include "libsync/record/handlers.h"
#include "libsync/record/locks.h"
#include "libsync/record/lost_file_locks.h"
#include "libsync/record/raw.h"
#include "libsync/record/shared.h"

namespace gordian::record {

struct EarlyTake {
  ChannelName name;
  uint64_t time_ns;
};

namespace {

constexpr uint32_t kMostEarlyTakes = 16;
constexpr uint32_t kMostEarlyLooks = 256;

// Slow looks at one end before it counts as spent: threads that use it in turn would pay for each.
constexpr uint16_t kMostLooks = 4096;
// Those at one whose channel cannot be named yet (a socket that is not connected).
constexpr uint16_t kMostVainLooks = 64;
constexpr uint32_t kMostWatched = 4096;

constexpr uint64_t kGaveKey = 0x9E6C63D0876A9A47u;
constexpr uint64_t kTookKey = 0xC2B2AE3D27D4EB4Fu;
constexpr uint64_t kWatchKey = 0x165667B19E3779F9u;

trace::LockRecord* RecordOf(trace::Ref channel) { return g_trace.At<trace::LockRecord>(channel); }

bool IsSpent(trace::Ref channel) { return (RecordOf(channel)->flags & trace::kOrderLost) != 0; }

// 0: there is no room for more.
trace::Ref Resolve(Thread* thread, const ChannelName& name) {
  const uint64_t number =
      MixBits(MixBits(name.device + static_cast<uint64_t>(name.family)) ^ name.number) | kNoMemoryBit;
  const ObjectFacts facts{reinterpret_cast<void*>(number), trace::LockKind::kChannel, 0, nullptr, 0, false};
  if (__atomic_load_n(&g_image->channel_hand_overs, __ATOMIC_RELAXED) >= kMostOfImage) {
    return FindLock(facts);
  }
  const trace::Ref channel = ResolveLock(thread, facts);
  if (channel != 0 && RecordOf(channel)->shared == 0) {
    RecordOf(channel)->shared = RecordShared(trace::SharedSpace::kChannel, name.device, name.number,
                                             static_cast<uint64_t>(name.family), 0);
  }
  return channel;
}

uint64_t KeyOf(trace::Ref channel, uint64_t salt, uint32_t known) {
  return MixBits(uint64_t{channel} << 32 ^ known ^ salt) | 1;
}
bool IsRemembered(const Thread* thread, trace::Ref channel, uint64_t salt, uint32_t known) {
  return IsRemembered(thread, KeyOf(channel, salt, known));
}
void RememberKnown(Thread* thread, trace::Ref channel, uint64_t salt, uint32_t known) {
  CacheEntry entry{};
  entry.key = KeyOf(channel, salt, known);
  Remember(thread, entry);
}

// What was given by other processes is not counted here: without gifts of this one each may be new.
void Take(Thread* thread, trace::Ref channel) {
  const uint32_t given = __atomic_load_n(&RecordOf(channel)->signals, __ATOMIC_RELAXED);
  if (given != 0 && IsRemembered(thread, channel, kTookKey, given)) {
    return;
  }
  RecordTook(thread, channel, given);
  RememberKnown(thread, channel, kTookKey, given);
}

void TakeSignals(Thread* thread, uint64_t signals) {
  for (; signals != 0; signals &= signals - 1) {
    const trace::Ref channel = Resolve(thread, NameOfSignal(0, __builtin_ctzll(signals) + 1));
    if (channel != 0) {
      Take(thread, channel);
    }
  }
}

// A handler runs after what sent its signal.
void TakeSignalsOfHandler(Thread* thread, const Site& site) {
  if (HandledSignals() == 0) {
    return;
  }
  TakeSignals(thread, HandlerSignals(StackOf(thread, site)));
}

void Give(Thread* thread, trace::Ref channel, const Site& site) {
  TakeSignalsOfHandler(thread, site);
  if (!IsRemembered(thread, channel, kGaveKey, thread->order_facts)) {
    RecordGave(thread, channel, __atomic_add_fetch(&RecordOf(channel)->signals, 1, __ATOMIC_RELAXED));
    RememberKnown(thread, channel, kGaveKey, thread->order_facts);
  }
}

// The end's channel; 0: none, or none yet.
trace::Ref ChannelOf(Thread* thread, int fd, Flow flow) {
  End* end = EndAt(fd, flow);
  const trace::Ref known = __atomic_load_n(&end->channel, __ATOMIC_RELAXED);
  KeepInMind(fd);
  if (known != 0) {
    if (IsSpent(known) || ++end->looks > kMostLooks) {
      RecordOf(known)->flags |= trace::kOrderLost;
      SetUse(end, EndUse::kSpent);
    }
    return known;
  }
  ChannelName name{};
  switch (NameOfEnd(fd, flow, &name)) {
    case Named::kNothing:
      SetUse(end, EndUse::kNothing);
      return 0;
    case Named::kNotYet:
      SetUse(end, ++end->looks > kMostVainLooks ? EndUse::kNothing : EndUse::kUnknown);
      return 0;
    case Named::kYes:
      break;
  }
  const trace::Ref channel = Resolve(thread, name);
  end->looks = 0;
  __atomic_store_n(&end->channel, channel, __ATOMIC_RELAXED);
  SetUse(end, channel != 0 ? EndUse::kOpen : EndUse::kSpent);
  return channel;
}

// For what goes through no end of a descriptor.
void GiveTo(const ChannelName& name, const Site& site) {
  const Entry entry(Entry::Open::kOnlyIfOpen);
  const trace::Ref channel = entry ? Resolve(entry.thread(), name) : 0;
  if (channel != 0 && !IsSpent(channel)) {
    Give(entry.thread(), channel, site);
  }
}

void TakeFrom(const ChannelName& name) {
  const Entry entry(Entry::Open::kOnlyIfOpen);
  const trace::Ref channel = entry ? Resolve(entry.thread(), name) : 0;
  if (channel != 0) {
    NoteOrder(entry.thread());
    Take(entry.thread(), channel);
  }
}

// Of a child that has only one thread.
void KeepEarly(const ChannelName& name) {
  if (g_image->early_takes == nullptr) {
    g_image->early_takes =
        static_cast<EarlyTake*>(g_image->arena.Allocate(kMostEarlyTakes * sizeof(EarlyTake)));
  }
  uint32_t at = 0;
  while (at < g_image->early_take_count && (g_image->early_takes[at].name.family != name.family ||
                                            g_image->early_takes[at].name.device != name.device ||
                                            g_image->early_takes[at].name.number != name.number)) {
    ++at;
  }
  if (g_image->early_takes != nullptr && at < kMostEarlyTakes) {
    g_image->early_takes[at] = EarlyTake{name, NowNs()};
    g_image->early_take_count += at == g_image->early_take_count ? 1 : 0;
  }
}

bool MayBeEarly() {
  return g_image != nullptr && g_config.on && !t_inside && t_vfork_depth == 0 &&
         g_image->state == static_cast<uint32_t>(ImageState::kNone) &&
         ++g_image->early_looks <= kMostEarlyLooks;
}

bool IsRegistered() { return IsReady() && t_thread->own_slot != nullptr; }

uint64_t WatchKeyOf(int epoll, uint64_t data) {
  return MixBits(MixBits(static_cast<uint64_t>(epoll) ^ kWatchKey) ^ data) | 1;
}

void Watch(int epoll, uint64_t data, int fd) {
  if (__atomic_load_n(&g_image->watched_count, __ATOMIC_RELAXED) < kMostWatched) {
    __atomic_fetch_add(&g_image->watched_count, 1, __ATOMIC_RELAXED);
    g_image->watched.Put(&g_image->arena, WatchKeyOf(epoll, data), static_cast<uint64_t>(fd) + 1);
  }
}

}  // namespace

void GiveThrough(int fd, const Site& site) {
  if (!IsRegistered()) {
    return;
  }
  const Entry entry(Entry::Open::kOnlyIfOpen);
  if (entry && HoldsFileLocks()) {
    NoteFileWritten(fd);
  }
  const trace::Ref channel = entry ? ChannelOf(entry.thread(), fd, Flow::kGive) : 0;
  if (channel == 0 || IsSpent(channel)) {
    return;
  }
  Give(entry.thread(), channel, site);
  __atomic_store_n(&EndAt(fd, Flow::kGive)->last, LastOf(entry.thread(), entry->order_facts),
                   __ATOMIC_RELAXED);
}

void TakeThrough(int fd) {
  if (!IsRegistered()) {
    return;
  }
  const Entry entry(Entry::Open::kOnlyIfOpen);
  if (!entry) {
    return;
  }
  const Descriptor known = DescriptorAt(fd);
  if (known.kind == DescriptorKind::kSignalfd) {
    NoteOrder(entry.thread());
    TakeSignals(entry.thread(), known.detail);
    return;
  }
  const trace::Ref channel = ChannelOf(entry.thread(), fd, Flow::kTake);
  if (channel == 0) {
    return;
  }
  NoteOrder(entry.thread());
  Take(entry.thread(), channel);
  const uint32_t given = RecordOf(channel)->signals;
  if (given != 0 && IsRemembered(entry.thread(), channel, kTookKey, given)) {
    __atomic_store_n(&EndAt(fd, Flow::kTake)->last, LastOf(entry.thread(), given), __ATOMIC_RELAXED);
  }
}

void TakeEarly(int fd) {
  if (!MayBeEarly()) {
    return;
  }
  t_inside = true;  // a handler that interrupts this passes through
  ChannelName name{};
  if (NameOfEnd(fd, Flow::kTake, &name) == Named::kYes) {
    KeepEarly(name);
  }
  t_inside = false;
}

void RecordTakenEarly(Thread* thread) {
  const uint32_t count = g_image->early_take_count;
  g_image->early_take_count = 0;
  for (uint32_t i = 0; i < count; ++i) {
    const EarlyTake& early = g_image->early_takes[i];
    const trace::Ref channel = Resolve(thread, early.name);
    trace::EventRecord* took = channel != 0 ? RecordTook(thread, channel, 0) : nullptr;
    if (took != nullptr) {
      took->time_ns = early.time_ns;
    }
  }
}

void BeforeGivingTo(int fd, const void* address, socklen_t bytes, const Site& site) {
  const EndUse use = UseOf(fd, Flow::kGive);
  ChannelName name{};
  if (use == EndUse::kNothing || use == EndUse::kSpent || !IsRegistered()) {
    return;
  }
  if (NameOfReceiver(address, bytes, &name)) {
    GiveTo(name, site);
  } else {
    BeforeGiving(fd, site);
  }
}

void BeforeGivingMessage(int fd, const msghdr* message, const Site& site) {
  const EndUse use = UseOf(fd, Flow::kGive);
  if (use == EndUse::kNothing || use == EndUse::kSpent || !IsRegistered()) {
    return;
  }
  const bool readable = message != nullptr && IsReadable(message, sizeof(*message));
  BeforeGivingTo(fd, readable ? message->msg_name : nullptr, readable ? message->msg_namelen : 0, site);
}

void BeforeConnecting(int fd, const void* address, socklen_t bytes, const Site& site) {
  ChannelName name{};
  if (IsRegistered() && NameOfListener(address, bytes, &name)) {
    GiveTo(name, site);
  }
  ForgetEnds(fd);
}

void AfterAccepting(int listener) {
  if (UseOf(listener, Flow::kTake) != EndUse::kUnknown) {
    AfterTaking(listener);
    return;
  }
  ChannelName name{};
  if (!IsRegistered()) {
    if (MayBeEarly() && NameOfOwnListener(listener, &name)) {
      t_inside = true;
      KeepEarly(name);
      t_inside = false;
    }
    return;
  }
  const Entry entry(Entry::Open::kOnlyIfOpen);
  if (entry && NameOfOwnListener(listener, &name)) {
    End* end = EndAt(listener, Flow::kTake);
    end->channel = Resolve(entry.thread(), name);
    KeepInMind(listener);
    SetUse(end, end->channel != 0 ? EndUse::kOpen : EndUse::kSpent);
    NoteOrder(entry.thread());
    if (end->channel != 0) {
      Take(entry.thread(), end->channel);
    }
  }
}

void BeforeWatching(int epoll, int fd, const epoll_event* event, const Site& site) {
  BeforeGiving(epoll, site);
  const EndUse use = UseOf(fd, Flow::kTake);
  if (use == EndUse::kNothing || use == EndUse::kSpent) {
    return;
  }
  if (!IsRegistered()) {
    if (MayBeEarly() && IsReadable(event, sizeof(*event))) {
      t_inside = true;
      Watch(epoll, event->data.u64, fd);
      t_inside = false;
    }
    return;
  }
  const Entry entry(Entry::Open::kOnlyIfOpen);
  if (!entry || !IsReadable(event, sizeof(*event)) ||
      (use == EndUse::kUnknown && ChannelOf(entry.thread(), fd, Flow::kTake) == 0 &&
       UseOf(fd, Flow::kTake) == EndUse::kNothing)) {
    return;
  }
  Watch(epoll, event->data.u64, fd);
}

bool WatchesChannels(int epoll) {
  End* end = EndAt(epoll, Flow::kTake);
  if (end == nullptr || g_image->watched_count == 0 || UseOf(epoll, Flow::kTake) == EndUse::kSpent) {
    return false;
  }
  if (++end->looks > kMostLooks) {
    SetUse(end, EndUse::kSpent);
  }
  return true;
}

void AfterEpollWait(int epoll, uint64_t data) {
  if (const uint64_t fd = g_image->watched.Find(WatchKeyOf(epoll, data)); fd != 0) {
    AfterTaking(static_cast<int>(fd - 1));
  }
}

void BeforeSignal(pid_t pid, int signal, const Site& site) {
  if (IsRegistered() && signal != 0) {
    GiveTo(NameOfSignal(pid, signal), site);
  }
}

void AfterSignal(int signal) {
  if (IsRegistered() && signal > 0) {
    TakeFrom(NameOfSignal(0, signal));
  } else if (signal > 0 && MayBeEarly()) {
    t_inside = true;
    KeepEarly(NameOfSignal(0, signal));
    t_inside = false;
  }
}

void AfterAnySignal() {
  if (!IsRegistered()) {
    return;
  }
  const Entry entry(Entry::Open::kOnlyIfOpen);
  if (entry) {
    NoteOrder(entry.thread());
    TakeSignals(entry.thread(), HandledSignals());
  }
}

void BeforeMessage(int queue, const Site& site) {
  if (IsRegistered()) {
    GiveTo(NameOfQueue(queue), site);
  }
}

void AfterMessage(int queue) {
  if (IsRegistered()) {
    TakeFrom(NameOfQueue(queue));
  } else if (MayBeEarly()) {
    t_inside = true;
    KeepEarly(NameOfQueue(queue));
    t_inside = false;
  }
}

}  // namespace gordian::record
