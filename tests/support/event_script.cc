#include "tests/support/event_script.h"

#include <algorithm>
#include <set>
#include <sstream>
#include <stdexcept>
#include <tuple>
#include <utility>
#include <vector>

namespace gordian::test {
namespace {

using trace::Dependency;
using trace::Holding;
using trace::Index;
using trace::kNoIndex;
using trace::Mode;
using trace::WaitKind;

constexpr uint64_t kMillisecond = 1'000'000;
constexpr uint64_t kPlaceOffset = 0x100000;  // places named by the script, apart from the numbered words
constexpr uint64_t kDataOffset = 0x200000;   // static locks
constexpr uint64_t kClassOffset = 0x300000;  // creation places of lock classes

// One word, taken apart: "2:!+A/r@7".
struct Word {
  std::string text;
  int thread = 0;
  std::string verb;  // "+", "!", "create" ...
  std::vector<std::string> arguments;
  Mode mode = Mode::kExclusive;
  int place = -1;
};

class Player {
 public:
  explicit Player(int pid);
  Played Play(std::string_view script);

 private:
  [[noreturn]] void Fail(const std::string& why) const {
    throw std::invalid_argument(word_.text + ": " + why);
  }

  void Declare(const std::string& name, const std::string& properties);
  void SetProperty(trace::Lock* lock, const std::string& property);
  trace::SharedIdentity Identity(const trace::Lock& lock, const std::string& object) const;
  void ParseEvent(const std::string& text);
  void PlayEvent();
  bool PlayLockEvent();
  bool PlayThreadEvent();
  bool PlayProcessEvent();
  void PlayWait();
  void PlaySignal();
  void PlayHandOver();

  trace::Thread& Actor() { return process_->threads[static_cast<size_t>(actor_)]; }
  trace::Thread& ThreadNumbered(const std::string& number);
  Index LockNamed(const std::string& name);
  Index Place(uint64_t offset);
  Index Here();
  std::vector<Holding>::iterator Held(Index lock);
  bool Holds(Index lock) { return Held(lock) != Actor().held.end(); }
  bool MayWait(Index lock);
  void Depend(Index lock, Mode mode, uint32_t flags);
  void DependOnEnd(Index thread);
  void Depend(Dependency wanted);
  // It passed a wait that others end.
  void Pass() { passed_[actor_] = {process_->threads.size(), process_->children.size()}; }
  void Acquire(Index lock, Mode mode);
  void Release(Index lock);
  void Create();
  void Join();
  void Block(WaitKind kind, bool timed);
  void Fork(trace::ChildHow how);
  void Reap();
  void EndProcess(trace::End end);

  Played played_;
  trace::Process* process_ = nullptr;
  std::map<uint64_t, Index> places_;
  std::map<std::string, uint64_t> classes_;
  std::vector<Index> moving_;
  // How many of them there were when a thread passed a wait that others end.
  struct Passed {
    size_t threads = 0;
    size_t children = 0;
  };
  std::map<Index, Passed> passed_;
  std::set<std::tuple<Index, Index, uint32_t>> seen_alone_;  // thread, place, segment
  Word word_;
  int position_ = 0;
  Index actor_ = kNoIndex;
  uint64_t now_ns_ = kMillisecond;
};

Player::Player(int pid) {
  played_.run.root_pid = pid;
  played_.run.over = true;
  played_.run.processes.emplace_back();
  process_ = &played_.run.processes.front();
  process_->pid = pid;
  process_->ppid = 99;
  process_->executable = "/program";
  process_->command = {"/program"};
  process_->start_ns = now_ns_;
  process_->flags = trace::kHooksWork | trace::kTagsWork;
  process_->ended = true;
  process_->modules.push_back({"/program", "", 0x10000, 0x10000000, 0});
  trace::Thread main;
  main.tid = pid;
  main.flags = trace::kMainThread;
  main.live = true;
  main.start_ns = now_ns_;
  process_->threads.push_back(main);
  played_.threads[1] = 0;
}

Index Player::Place(uint64_t offset) {
  const auto [found, is_new] = places_.try_emplace(offset, static_cast<Index>(process_->stacks.size()));
  if (is_new) {
    process_->stacks.push_back({{{0, offset}}});
  }
  return found->second;
}

Index Player::Here() {
  return Place(word_.place >= 0 ? kPlaceOffset + static_cast<uint64_t>(word_.place)
                                : static_cast<uint64_t>(position_));
}

Index Player::LockNamed(const std::string& name) {
  const auto [found, is_new] = played_.locks.try_emplace(name, static_cast<Index>(process_->locks.size()));
  if (is_new) {
    trace::Lock lock;
    lock.ref = static_cast<trace::Ref>(0x1000 + process_->locks.size());
    lock.kind = trace::LockKind::kMutex;
    lock.flags = trace::kStatic;
    lock.place = {0, kDataOffset + 64 * process_->locks.size()};
    lock.address = 0x10000 + lock.place.offset;
    lock.born_ns = now_ns_;
    process_->locks.push_back(lock);
  }
  return found->second;
}

void Player::SetProperty(trace::Lock* lock, const std::string& property) {
  static const std::map<std::string, trace::LockKind> kinds = {
      {"recursive", trace::LockKind::kRecursiveMutex},
      {"errorcheck", trace::LockKind::kErrorcheckMutex},
      {"rwlock", trace::LockKind::kRwlock},
      {"writer-rwlock", trace::LockKind::kWriterRwlock},
      {"condition", trace::LockKind::kCondition},
      {"semaphore", trace::LockKind::kSemaphore},
      {"spinlock", trace::LockKind::kSpinlock},
      {"barrier", trace::LockKind::kBarrier},
      {"once", trace::LockKind::kOnce},
      {"stream", trace::LockKind::kStream},
      {"flock", trace::LockKind::kFlock},
      {"fcntl", trace::LockKind::kPosixFileLock},
      {"openfile", trace::LockKind::kOpenFileLock},
      {"named", trace::LockKind::kNamedSemaphore}};
  static const std::map<std::string, trace::LockFlags> flags = {
      {"robust", trace::kRobust},     {"shared", trace::kProcessShared}, {"handoff", trace::kHandOff},
      {"locklike", trace::kLockLike}, {"stack", trace::kOnStack},        {"lost", trace::kOrderLost},
      {"one", trace::kBeganAtOne}};
  const size_t colon = property.find(':');
  const std::string key = property.substr(0, colon);
  const std::string value = colon == std::string::npos ? "" : property.substr(colon + 1);
  if (kinds.count(key) != 0) {
    lock->kind = kinds.at(key);
  } else if (flags.count(key) != 0) {
    lock->flags |= flags.at(key);
  } else if (key == "interpreter") {
    lock->interpreter = true;
  } else if (key == "common") {
    lock->shared = Identity(*lock, value);
  } else if (key == "inherited") {
    lock->flags |= trace::kInherited;
    lock->owner_at_fork = std::stoi(value);
    process_->flags |= trace::kForkChild;
  } else if (key == "class") {
    const uint64_t number = classes_.try_emplace(value, classes_.size()).first->second;
    lock->flags &= static_cast<uint8_t>(~trace::kStatic);
    lock->place = {kNoIndex, lock->address};
    lock->create_stack = Place(kClassOffset + number);
  } else {
    Fail("no such property: " + property);
  }
}

// "FILE:FROM:LENGTH", or nothing: then the lock's own name.
trace::SharedIdentity Player::Identity(const trace::Lock& lock, const std::string& object) const {
  const bool is_file = lock.kind == trace::LockKind::kFlock || lock.kind == trace::LockKind::kPosixFileLock ||
                       lock.kind == trace::LockKind::kOpenFileLock;
  std::string name = word_.text.substr(0, word_.text.find('='));
  trace::SharedIdentity identity;
  identity.space = is_file ? trace::SharedSpace::kFile : trace::SharedSpace::kMemory;
  if (!object.empty()) {
    std::istringstream parts(object);
    char colon = 0;
    std::getline(parts, name, ':');
    parts >> identity.offset >> colon >> identity.length;
  }
  identity.device = 1;
  for (const char c : name) {
    identity.inode = identity.inode * 256 + static_cast<unsigned char>(c);
  }
  return identity;
}

void Player::Declare(const std::string& name, const std::string& properties) {
  trace::Lock& lock = process_->locks[static_cast<size_t>(LockNamed(name))];
  std::istringstream list(properties);
  for (std::string property; std::getline(list, property, ',');) {
    SetProperty(&lock, property);
  }
}

// T:VERB(ARGUMENT,...)@N or T:SIGNS LOCK[/r]@N
void Player::ParseEvent(const std::string& text) {
  std::string rest = text.substr(text.find(':') + 1);
  word_.thread = std::stoi(text);
  const size_t at = rest.rfind('@');
  if (at != std::string::npos) {
    word_.place = std::stoi(rest.substr(at + 1));
    rest.resize(at);
  }
  const size_t open = rest.find('(');
  if (open != std::string::npos) {
    word_.verb = rest.substr(0, open);
    std::istringstream list(rest.substr(open + 1, rest.size() - open - 2));
    for (std::string argument; std::getline(list, argument, ',');) {
      word_.arguments.push_back(argument);
    }
    return;
  }
  const size_t name = rest.find_first_not_of("+-?~!");
  if (name == 0) {
    word_.verb = rest;
    return;
  }
  if (name == std::string::npos) {
    Fail("names no lock");
  }
  word_.verb = rest.substr(0, name);
  std::string lock = rest.substr(name);
  if (lock.size() > 2 && lock.compare(lock.size() - 2, 2, "/r") == 0) {
    word_.mode = Mode::kShared;
    lock.resize(lock.size() - 2);
  }
  word_.arguments.push_back(lock);
}

trace::Thread& Player::ThreadNumbered(const std::string& number) {
  const auto found = played_.threads.find(std::stoi(number));
  if (found == played_.threads.end()) {
    Fail("there is no such thread");
  }
  return process_->threads[static_cast<size_t>(found->second)];
}

// The newest holding of it.
std::vector<Holding>::iterator Player::Held(Index lock) {
  std::vector<Holding>& held = Actor().held;
  const auto newest =
      std::find_if(held.rbegin(), held.rend(), [lock](const Holding& each) { return each.lock == lock; });
  return newest == held.rend() ? held.end() : std::prev(newest.base());
}

void Player::Depend(Index lock, Mode mode, uint32_t flags) {
  Dependency wanted;
  wanted.lock = lock;
  wanted.mode = mode;
  wanted.flags = flags;
  const bool plain = (flags & (trace::kSignals | trace::kAwaits)) == 0;
  if (plain && Actor().held.empty() && !seen_alone_.emplace(actor_, Here(), Actor().segment).second) {
    return;
  }
  Depend(std::move(wanted));
}

void Player::DependOnEnd(Index thread) {
  Dependency wanted;
  wanted.awaited_thread = thread;
  const auto passed = passed_.find(actor_);
  const bool soft = passed != passed_.end() && static_cast<size_t>(thread) < passed->second.threads;
  wanted.flags = trace::kAwaitsThread | (soft ? trace::kSoftOrdered : 0U);
  Depend(std::move(wanted));
}

void Player::Depend(Dependency wanted) {
  const trace::Thread& thread = Actor();
  const auto same_held = [](const Holding& a, const Holding& b) {
    return a.lock == b.lock && a.mode == b.mode && a.stack == b.stack;
  };
  wanted.thread = actor_;
  wanted.stack = Here();
  for (Dependency& known : process_->dependencies) {
    if (known.thread == actor_ && known.lock == wanted.lock && known.mode == wanted.mode &&
        known.stack == wanted.stack && known.flags == wanted.flags &&
        known.awaited_thread == wanted.awaited_thread && known.awaited_child == wanted.awaited_child &&
        std::equal(known.held.begin(), known.held.end(), thread.held.begin(), thread.held.end(), same_held)) {
      ++known.count;
      known.last_ns = now_ns_;
      if (known.segments.back() != thread.segment) {
        if (known.segments.size() == trace::kSegmentSamples) {
          known.segments.pop_back();
        }
        known.segments.push_back(thread.segment);
      }
      return;
    }
  }
  wanted.first_ns = wanted.last_ns = now_ns_;
  wanted.segments = {thread.segment};
  wanted.held = thread.held;
  process_->dependencies.push_back(std::move(wanted));
}

void Player::Acquire(Index lock, Mode mode) {
  if (Holds(lock) && mode == Mode::kExclusive) {
    ++Held(lock)->depth;
    return;
  }
  Actor().held.push_back({lock, Here(), mode, ++Actor().acquisitions, 0, kNoIndex});
  trace::Lock& taken = process_->locks[static_cast<size_t>(lock)];
  taken.first_stack = taken.first_stack == kNoIndex ? Here() : taken.first_stack;
}

// A reader that comes again waits only where writers go first.
bool Player::MayWait(Index lock) {
  return !Holds(lock) || process_->locks[static_cast<size_t>(lock)].kind == trace::LockKind::kWriterRwlock;
}

void Player::Release(Index lock) {
  const auto held = Held(lock);
  if (held == Actor().held.end()) {
    Fail("not held");
  }
  if (held->depth > 0) {
    --held->depth;
  } else {
    Actor().held.erase(held);
  }
}

void Player::Block(WaitKind kind, bool timed) {
  trace::Wait& wait = Actor().wait;
  wait.kind = kind;
  wait.timed = timed;
  wait.mode = word_.mode;
  wait.stack = Here();
}

void Player::PlayWait() {
  const Index condition = LockNamed(word_.arguments.at(0));
  const Index mutex = LockNamed(word_.arguments.at(1));
  process_->locks[static_cast<size_t>(condition)].kind = trace::LockKind::kCondition;
  Release(mutex);
  if (!Actor().held.empty()) {
    Depend(mutex, Mode::kExclusive, trace::kReacquire);
    if (word_.verb != "timedwait") {
      Depend(condition, Mode::kExclusive, trace::kAwaits);
    }
  }
  if (word_.verb == "wait" || word_.verb == "timedwait") {
    Pass();
    Acquire(mutex, Mode::kExclusive);
    return;
  }
  Block(WaitKind::kCondition, false);
  Actor().wait.lock = condition;
  Actor().wait.mutex = mutex;
  Actor().wait.reacquiring = word_.verb == "!rewait";
}

void Player::PlaySignal() {
  const Index condition = LockNamed(word_.arguments.at(0));
  trace::Lock& signalled = process_->locks[static_cast<size_t>(condition)];
  signalled.kind = trace::LockKind::kCondition;
  ++signalled.signals;
  if (Actor().held.empty()) {
    signalled.flags |= trace::kSignalledFree;
  } else {
    Depend(condition, Mode::kExclusive, trace::kSignals);
  }
}

void Player::PlayHandOver() {
  const bool gives = word_.verb == "gives";
  trace::Event event;
  event.lock = LockNamed(word_.arguments.at(0));
  event.thread = actor_;
  event.time_ns = now_ns_;
  trace::Lock& object = process_->locks[static_cast<size_t>(event.lock)];
  if (object.kind == trace::LockKind::kMutex) {
    object.kind = trace::LockKind::kSemaphore;
    object.flags |= trace::kHandOff;
  }
  if (word_.verb == "barrier") {
    object.kind = trace::LockKind::kBarrier;
    event.kind = trace::EventKind::kBarrierPassed;
    event.value = std::stoi(word_.arguments.at(1));
  } else {
    event.kind = gives ? trace::EventKind::kGave : trace::EventKind::kTook;
    event.value = word_.arguments.size() > 1 ? std::stoi(word_.arguments.at(1)) : 0;
  }
  event.error = gives ? Actor().segment++ : ++Actor().segment;
  process_->events.push_back(event);
}

bool Player::PlayLockEvent() {
  const std::string& verb = word_.verb;
  if (verb == "gives" || verb == "takes" || verb == "barrier") {
    PlayHandOver();
    return true;
  }
  if (verb == "wait" || verb == "timedwait" || verb == "!wait" || verb == "!rewait") {
    PlayWait();
    return true;
  }
  if (verb == "signal") {
    PlaySignal();
    return true;
  }
  if (verb.find_first_not_of("+-?~!") != std::string::npos) {
    return false;
  }
  const Index lock = LockNamed(word_.arguments.at(0));
  if (verb == "-") {
    Release(lock);
    return true;
  }
  if ((verb == "+" || verb == "!") && MayWait(lock)) {
    Depend(lock, word_.mode, 0);
  }
  if (verb == "+" || verb == "?" || verb == "~") {
    Acquire(lock, word_.mode);
  } else if (verb == "!" || verb == "!~") {
    Block(WaitKind::kLock, verb == "!~");
    Actor().wait.lock = lock;
  } else {
    return false;
  }
  return true;
}

void Player::Create() {
  const int number = std::stoi(word_.arguments.at(0));
  trace::Thread thread;
  thread.tid = 99 + number;
  thread.live = true;
  thread.flags = word_.arguments.size() > 1 ? static_cast<uint32_t>(trace::kDetached) : 0;
  thread.creator = actor_;
  thread.creator_segment = Actor().segment++;
  thread.create_stack = Here();
  thread.create_held = Actor().held;
  thread.start_ns = now_ns_;
  if (!played_.threads.emplace(number, static_cast<Index>(process_->threads.size())).second) {
    Fail("there is such a thread already");
  }
  process_->threads.push_back(std::move(thread));
}

void Player::Join() {
  trace::Thread& joined = ThreadNumbered(word_.arguments.at(0));
  if (word_.verb == "join") {
    DependOnEnd(played_.threads.at(std::stoi(word_.arguments.at(0))));
  }
  if (joined.state != trace::ThreadState::kFinished) {
    joined.state = trace::ThreadState::kFinished;
    joined.finish_ns = now_ns_;
  }
  joined.flags |= trace::kJoined;
  joined.joiner = actor_;
  joined.joiner_segment = ++Actor().segment;
  joined.join_held = Actor().held;
}

bool Player::PlayThreadEvent() {
  const std::string& verb = word_.verb;
  if (verb == "create") {
    Create();
  } else if (verb == "detach") {
    ThreadNumbered(word_.arguments.at(0)).flags |= trace::kDetached;
  } else if (verb == "join" || verb == "timedjoin") {
    Join();
  } else if (verb == "passes") {
    Pass();
  } else if (verb == "!join") {
    ThreadNumbered(word_.arguments.at(0));
    const Index joined = played_.threads.at(std::stoi(word_.arguments.at(0)));
    DependOnEnd(joined);
    Block(WaitKind::kJoin, false);
    Actor().wait.thread = joined;
  } else if (verb == "!barrier") {
    Block(WaitKind::kBarrier, false);
    Actor().wait.lock = LockNamed(word_.arguments.at(0));
  } else if (verb == "end") {
    Actor().state = trace::ThreadState::kFinished;
    Actor().finish_ns = now_ns_;
  } else if (verb == "gone") {
    Actor().gone = true;
  } else {
    return false;
  }
  return true;
}

void Player::Fork(trace::ChildHow how) {
  trace::Child child;
  child.pid = std::stoi(word_.arguments.at(0));
  child.how = how;
  child.thread = actor_;
  child.segment = Actor().segment++;
  child.held = Actor().held;
  child.stack = Here();
  child.start_ns = now_ns_;
  for (size_t t = 0; t < process_->threads.size(); ++t) {
    for (Holding held : process_->threads[t].held) {
      held.thread = static_cast<Index>(t);
      if (held.thread != actor_) {
        child.others_held.push_back(held);
      }
    }
  }
  process_->children.push_back(std::move(child));
}

void Player::Reap() {
  const int pid = std::stoi(word_.arguments.at(0));
  for (size_t c = 0; c < process_->children.size(); ++c) {
    trace::Child& child = process_->children[c];
    if (child.pid != pid) {
      continue;
    }
    if (word_.verb == "waitpid" && !Actor().held.empty()) {
      Dependency wanted;
      wanted.awaited_child = static_cast<Index>(c);
      const auto passed = passed_.find(actor_);
      const bool soft = passed != passed_.end() && passed->second.children > c;
      wanted.flags = trace::kAwaitsChild | (soft ? trace::kSoftOrdered : 0U);
      Depend(std::move(wanted));
    }
    child.flags |= trace::kReaped;
    child.reaper = actor_;
    child.reap_segment = ++Actor().segment;
    child.reap_held = Actor().held;
    child.reap_ns = now_ns_;
    return;
  }
  Fail("there is no such child");
}

void Player::EndProcess(trace::End end) {
  process_->end = end;
  process_->end_thread = actor_;
  process_->end_stack = Here();
  process_->end_ns = now_ns_;
}

bool Player::PlayProcessEvent() {
  static const std::map<std::string, trace::End> ends = {{"exit", trace::End::kExit},
                                                         {"_exit", trace::End::kRawExit},
                                                         {"quick_exit", trace::End::kQuickExit},
                                                         {"abort", trace::End::kAbort}};
  if (word_.verb == "fork") {
    Fork(trace::ChildHow::kFork);
  } else if (word_.verb == "spawn") {
    Fork(trace::ChildHow::kSpawn);
  } else if (word_.verb == "reap" || word_.verb == "waitpid") {
    Reap();
  } else if (ends.count(word_.verb) != 0) {
    EndProcess(ends.at(word_.verb));
  } else {
    return false;
  }
  return true;
}

void Player::PlayEvent() {
  actor_ = played_.threads.count(word_.thread) != 0 ? played_.threads.at(word_.thread) : kNoIndex;
  if (actor_ == kNoIndex) {
    Fail("there is no such thread");
  }
  if (process_->end != trace::End::kNone) {
    Fail("the process has ended");
  }
  if (word_.verb == "moving") {
    moving_.push_back(actor_);
    return;
  }
  const trace::Thread& thread = Actor();
  if (thread.wait.kind != WaitKind::kNone || thread.gone || thread.state == trace::ThreadState::kFinished) {
    Fail("this thread cannot act any more");
  }
  if (!PlayLockEvent() && !PlayThreadEvent() && !PlayProcessEvent()) {
    Fail("no such event");
  }
}

Played Player::Play(std::string_view script) {
  std::istringstream words{std::string(script)};
  for (std::string text; words >> text;) {
    word_ = Word{};
    word_.text = text;
    now_ns_ += kMillisecond;
    ++position_;
    const size_t equals = text.find('=');
    if (text == "live") {
      played_.run.over = false;
      process_->ended = false;
    } else if (equals != std::string::npos) {
      Declare(text.substr(0, equals), text.substr(equals + 1));
    } else if (text != "|") {
      ParseEvent(text);
      PlayEvent();
    }
  }
  if (process_->ended && process_->end_ns == 0) {
    process_->end_ns = now_ns_ + kMillisecond;
  }
  for (trace::Thread& thread : process_->threads) {
    thread.settled = process_->ended || thread.wait.kind != WaitKind::kNone;
  }
  for (const Index thread : moving_) {
    process_->threads[static_cast<size_t>(thread)].settled = false;
  }
  return std::move(played_);
}

}  // namespace

Played Play(std::string_view script) { return Player(100).Play(script); }

trace::Run PlayTogether(const std::vector<Member>& members) {
  trace::Run run;
  run.root_pid = members.front().pid;
  run.over = true;
  for (const Member& member : members) {
    trace::Process process = Player(member.pid).Play(member.script).process();
    const uint64_t lived_ns = process.end_ns - process.start_ns;
    process.start_ns = member.start_ms * kMillisecond;
    process.end_ns = process.start_ns + lived_ns;
    for (trace::Event& event : process.events) {
      event.time_ns += process.start_ns - kMillisecond;
    }
    run.processes.push_back(std::move(process));
  }
  return run;
}

}  // namespace gordian::test
