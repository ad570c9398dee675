#include "libsync/trace/parse.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <string_view>
#include <utility>

#include "libsync/python/layout.h"
#include "libsync/python/lines.h"
#include "libsync/python/utf8.h"
#include "libsync/trace/interpreters.h"
#include "libsync/trace/plan.h"
#include "libsync/trace/stream.h"

namespace gordian::trace {
namespace {

// A user's lock name longer than this is cut: many locks may share one long string.
constexpr size_t kMaxLockName = 256;

constexpr size_t kMaxPath = 1024;

// The text of an event, for the same reason.
constexpr size_t kMaxText = 256;

// More than any run lasts, and far from what overflows when it is added up.
constexpr double kMostProfiledNs = 1e17;

// Where the elements of records of variable length begin.
constexpr size_t kFramesOffset = offsetof(StackRecord, frames);
constexpr size_t kSetHeldOffset = offsetof(HeldSetRecord, held);

// Older writers of this version know fewer header fields at the end, but all that a reader cannot do without.
constexpr size_t kLeastHeaderBytes = offsetof(FileHeader, executable);

constexpr char kHexDigits[] = "0123456789abcdef";

// Enumerators from a file: a value that this version does not know becomes `fallback`.
template <typename E>
E Known(std::underlying_type_t<E> value, E first, E last, E fallback) {
  const bool known = value >= static_cast<std::underlying_type_t<E>>(first) &&
                     value <= static_cast<std::underlying_type_t<E>>(last);
  return known ? static_cast<E>(value) : fallback;
}

Mode ModeOf(uint8_t mode) { return Known(mode, Mode::kExclusive, Mode::kShared, Mode::kExclusive); }

template <size_t kSize>
std::string TextOf(const char (&text)[kSize]) {
  return std::string(text, strnlen(text, kSize));
}

std::vector<std::string> CommandOf(const FileHeader& header) {
  std::vector<std::string> command;
  std::string_view rest(header.command, std::min<size_t>(header.command_bytes, sizeof(header.command)));
  while (!rest.empty()) {
    const size_t end = std::min(rest.find('\0'), rest.size());
    command.emplace_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return command;
}

std::string HexOf(const uint8_t* bytes, size_t count) {
  std::string hex;
  for (size_t i = 0; i < count; ++i) {
    hex += kHexDigits[bytes[i] >> 4];
    hex += kHexDigits[bytes[i] & 15];
  }
  return hex;
}

double NsPerTick(const ClockReading& first, const ClockReading& last) {
  const bool is_told = last.ticks > first.ticks && last.ns > first.ns;
  return is_told ? static_cast<double>(last.ns - first.ns) / static_cast<double>(last.ticks - first.ticks)
                 : 1;
}

class Parser {
 public:
  Parser(const FileHeader& header, std::string_view bytes);
  Process Run();

 private:
  void FillHeader();
  void FillModules();
  void FillStacks();
  void FillThreads();
  void FillSlots();
  void FillLocks();
  void FillDependencies();
  void FillChildren();
  void FillEvents();
  void FillFileUpdates();
  void FillProfiles();
  void DescribeDamage();

  // Index of what a record refers to; a reference to nothing that is there counts as damage.
  Index Resolve(Type type, Ref ref);
  Holding HoldingOf(const HeldEntry& entry);
  std::vector<Holding> HoldingsAt(Ref record, size_t offset, size_t wanted);
  std::vector<Holding> HoldingsOfSet(Ref set);
  std::vector<Holding> HoldingsOfOthers(Ref set);
  Wait WaitOf(const SlotRecord& slot);
  std::shared_ptr<const ScriptFrame> ScriptOf(uint64_t encoded);
  Frame FrameOf(uint64_t encoded);
  Index ModuleOf(uint32_t serial) const;
  std::string TextAt(Ref string, size_t most);
  bool IsInterpreterLock(const Lock& lock) const;

  const FileHeader& header_;
  std::string_view bytes_;
  RecordStream stream_;
  std::vector<Index> module_by_serial_;
  std::vector<bool> interpreter_module_;
  // Several records may name one held set: without a bound a small file could fill the memory.
  size_t shared_holdings_left_;
  bool shared_holdings_cut_ = false;
  uint64_t dangling_ = 0;
  uint64_t unknown_frames_ = 0;
  // Of frames as the trace has them; null where there is no such record.
  std::map<uint64_t, std::shared_ptr<const ScriptFrame>> scripts_;
  Process process_;
};

Parser::Parser(const FileHeader& header, std::string_view bytes)
    : header_(header),
      bytes_(bytes),
      stream_(bytes),
      shared_holdings_left_((size_t{1} << 20) + bytes.size() / 4) {}

Process Parser::Run() {
  FillHeader();
  FillModules();
  FillStacks();
  FillThreads();
  FillLocks();
  FillSlots();
  FillDependencies();
  FillChildren();
  FillEvents();
  FillFileUpdates();
  FillProfiles();
  process_.end_thread = Resolve(Type::kThread, header_.end_thread);
  process_.end_stack = Resolve(Type::kStack, header_.end_stack);
  DescribeDamage();
  return std::move(process_);
}

void Parser::FillHeader() {
  process_.nonce = header_.nonce;
  process_.parent_nonce = header_.parent_nonce;
  process_.pid = header_.pid;
  process_.ppid = header_.ppid;
  process_.start_ticks = header_.start_ticks;
  process_.image = header_.image;
  process_.uid = header_.uid;
  process_.session = header_.session;
  process_.executable = TextOf(header_.executable);
  process_.command = CommandOf(header_);
  process_.start_ns = header_.start_mono_ns;
  process_.start_real_ns = header_.start_real_ns;
  process_.flags = header_.flags;
  process_.off_reason = TextOf(header_.off_reason);
  process_.counters = header_.counters;
  process_.end = Known(header_.end, End::kNone, End::kExec, End::kNone);
  process_.end_detail = header_.end_detail;
  process_.end_ns = header_.end_mono_ns;
  process_.ended = process_.end != End::kNone;
}

void Parser::FillModules() {
  for (const Ref ref : stream_.Records(Type::kModule)) {
    const auto record = stream_.Get<ModuleRecord>(ref);
    const auto index = static_cast<Index>(process_.modules.size());
    Module module;
    module.path = stream_.GetText(ref, offsetof(ModuleRecord, path), record.path_bytes);
    module.build_id =
        HexOf(record.build_id, std::min<size_t>(record.build_id_bytes, sizeof(record.build_id)));
    module.start = record.start;
    module.end = record.end;
    module.bias = record.bias;
    interpreter_module_.push_back(IsInterpreter(module.path));
    process_.modules.push_back(std::move(module));
    // A frame has 16 bits for the serial; 0 stands for no module.
    if (record.serial == 0 || record.serial > UINT16_MAX) {
      continue;
    }
    if (record.serial >= module_by_serial_.size()) {
      module_by_serial_.resize(record.serial + 1, kNoIndex);
    }
    if (module_by_serial_[record.serial] == kNoIndex) {
      module_by_serial_[record.serial] = index;
    }
  }
}

Index Parser::ModuleOf(uint32_t serial) const {
  return serial < module_by_serial_.size() ? module_by_serial_[serial] : kNoIndex;
}

// An offset into a module that is not there says nothing: it must not pass for an address.
// Null: no such record.
std::shared_ptr<const ScriptFrame> Parser::ScriptOf(uint64_t encoded) {
  const auto [known, is_new] = scripts_.try_emplace(encoded);
  const auto ref = static_cast<Ref>((encoded & kFrameOffsetMask) >> kScriptUnitBits);
  if (!is_new || stream_.Find(Type::kCode, ref) == kNoIndex) {
    return known->second;
  }
  const auto code = stream_.Get<CodeRecord>(ref);
  std::string_view text = stream_.GetText(
      ref, offsetof(CodeRecord, text), size_t{code.file_bytes} + code.function_bytes + code.line_table_bytes);
  const auto take = [&text](size_t wanted) {
    const std::string_view taken = text.substr(0, wanted);
    text.remove_prefix(taken.size());
    return taken;
  };
  const python::Layout* layout = python::FindLayout(code.minor);
  ScriptFrame script;
  script.module = ScriptModule(text.data(), text.size(), code.first_line);
  script.unit = encoded & kScriptUnitMask;
  script.file = python::ToUtf8(take(code.file_bytes), code.file_width);
  script.function = python::ToUtf8(take(code.function_bytes), code.function_width);
  if (layout != nullptr) {
    script.line = python::LineAt(layout->line_table_is, take(code.line_table_bytes), code.first_line,
                                 static_cast<int64_t>(encoded & kScriptUnitMask) * 2);
  }
  known->second = std::make_shared<const ScriptFrame>(std::move(script));
  return known->second;
}

Frame Parser::FrameOf(uint64_t encoded) {
  const auto serial = static_cast<uint32_t>(encoded >> kFrameModuleShift);
  if (serial == kScriptSerial) {
    Frame frame{.offset = encoded & kFrameOffsetMask, .script = ScriptOf(encoded)};
    unknown_frames_ += frame.script == nullptr ? 1 : 0;
    return frame.script == nullptr ? Frame{} : frame;
  }
  const Frame frame{ModuleOf(serial), encoded & kFrameOffsetMask};
  if (serial != 0 && frame.module == kNoIndex) {
    ++unknown_frames_;
    return Frame{};
  }
  return frame;
}

void Parser::FillStacks() {
  const std::vector<Ref>& records = stream_.Records(Type::kStack);
  process_.stacks.resize(records.size());
  for (size_t i = 0; i < records.size(); ++i) {
    const auto wanted = stream_.GetAt<uint32_t>(records[i], offsetof(StackRecord, count));
    const size_t count = stream_.Fit(records[i], kFramesOffset, sizeof(uint64_t), wanted);
    std::vector<Frame>& frames = process_.stacks[i].frames;
    frames.reserve(count);
    for (size_t frame = 0; frame < count; ++frame) {
      frames.push_back(
          FrameOf(stream_.GetAt<uint64_t>(records[i], kFramesOffset + frame * sizeof(uint64_t))));
    }
  }
}

Index Parser::Resolve(Type type, Ref ref) {
  const Index index = stream_.Find(type, ref);
  if (ref != 0 && index == kNoIndex) {
    ++dangling_;
  }
  return index;
}

Holding Parser::HoldingOf(const HeldEntry& entry) {
  Holding holding;
  holding.lock = Resolve(Type::kLock, entry.lock);
  holding.stack = Resolve(Type::kStack, entry.stack);
  holding.mode = ModeOf(entry.mode);
  holding.acquisition = entry.acquisition;
  holding.depth = entry.depth;
  return holding;
}

std::vector<Holding> Parser::HoldingsAt(Ref record, size_t offset, size_t wanted) {
  const size_t count = stream_.Fit(record, offset, sizeof(HeldEntry), wanted);
  std::vector<Holding> holdings;
  holdings.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    const auto entry = stream_.GetAt<HeldEntry>(record, offset + i * sizeof(HeldEntry));
    if ((entry.flags & kGivenUp) == 0) {
      holdings.push_back(HoldingOf(entry));
    }
  }
  return holdings;
}

std::vector<Holding> Parser::HoldingsOfSet(Ref set) {
  if (Resolve(Type::kHeldSet, set) == kNoIndex) {
    return {};
  }
  const auto wanted = stream_.GetAt<uint32_t>(set, offsetof(HeldSetRecord, count));
  const size_t count = stream_.Fit(set, kSetHeldOffset, sizeof(HeldEntry), wanted);
  if (count > shared_holdings_left_) {
    shared_holdings_cut_ = true;
    return {};
  }
  shared_holdings_left_ -= count;
  return HoldingsAt(set, kSetHeldOffset, count);
}

// A set without a thread of its own names each entry's holder where a count of acquisitions stands otherwise.
std::vector<Holding> Parser::HoldingsOfOthers(Ref set) {
  std::vector<Holding> holdings = HoldingsOfSet(set);
  if (holdings.empty()) {
    return holdings;
  }
  const auto owner = stream_.GetAt<Ref>(set, offsetof(HeldSetRecord, thread));
  for (Holding& holding : holdings) {
    holding.thread = Resolve(Type::kThread, owner != 0 ? owner : Ref{holding.acquisition});
    if (owner == 0) {
      holding.acquisition = 0;
    }
  }
  return holdings;
}

void Parser::FillThreads() {
  const std::vector<Ref>& records = stream_.Records(Type::kThread);
  process_.threads.resize(records.size());
  for (size_t i = 0; i < records.size(); ++i) {
    const auto record = stream_.Get<ThreadRecord>(records[i]);
    Thread& thread = process_.threads[i];
    thread.tid = record.tid;
    thread.name = TextOf(record.name);
    thread.state = Known(record.state, ThreadState::kRunning, ThreadState::kFinished, ThreadState::kRunning);
    thread.flags = record.flags;
    thread.creator = Resolve(Type::kThread, record.creator);
    thread.creator_segment = record.creator_segment;
    thread.create_stack = Resolve(Type::kStack, record.create_stack);
    thread.create_held = HoldingsOfSet(record.create_held);
    thread.joiner = Resolve(Type::kThread, record.joiner);
    thread.joiner_segment = record.joiner_segment;
    thread.join_held = HoldingsOfSet(record.join_held);
    thread.pthread = record.pthread;
    thread.start_ns = record.start_ns;
    thread.finish_ns = record.finish_ns;
  }
}

Wait Parser::WaitOf(const SlotRecord& slot) {
  Wait wait;
  wait.kind = Known(slot.wait_kind, WaitKind::kNone, WaitKind::kSleep, WaitKind::kNone);
  if (wait.kind == WaitKind::kNone) {
    return wait;
  }
  wait.timed = (slot.wait_flags & kTimed) != 0;
  wait.converts = (slot.wait_flags & kConverts) != 0;
  wait.mode = ModeOf(slot.wait_mode);
  wait.value = slot.wait_value;
  wait.address = slot.wait_address;
  wait.stack = stream_.Find(Type::kStack, slot.wait_stack);
  switch (wait.kind) {
    case WaitKind::kNone:
    case WaitKind::kFutex:
    case WaitKind::kSleep:
    case WaitKind::kCall:
      break;
    case WaitKind::kLock:
    case WaitKind::kBarrier:
      wait.lock = stream_.Find(Type::kLock, slot.wait_object);
      break;
    case WaitKind::kCondition:
      wait.lock = stream_.Find(Type::kLock, slot.wait_object);
      wait.mutex = stream_.Find(Type::kLock, slot.wait_object2);
      break;
    case WaitKind::kJoin:
      wait.thread = stream_.Find(Type::kThread, slot.wait_object);
      break;
    case WaitKind::kProcess:
      wait.child = stream_.Find(Type::kChild, slot.wait_object);
      break;
  }
  return wait;
}

// A slot changes while it is read: whatever does not resolve in it is a moment of that, no damage.
void Parser::FillSlots() {
  const uint64_t dangling_before = dangling_;
  for (const Ref ref : stream_.Records(Type::kSlot)) {
    const auto slot = stream_.Get<SlotRecord>(ref);
    const Index index = stream_.Find(Type::kThread, slot.thread);
    if (index == kNoIndex) {
      continue;
    }
    Thread& thread = process_.threads[static_cast<size_t>(index)];
    thread.live = true;
    thread.tid = slot.tid;
    thread.segment = slot.segment;
    thread.acquisitions = slot.acquisitions;
    thread.wait = WaitOf(slot);
    const bool overflow = stream_.Find(Type::kHeldSet, slot.held_overflow) != kNoIndex;
    if (!overflow) {
      const size_t count = std::min<size_t>(slot.held_count, kInlineHeld);
      thread.held = HoldingsAt(ref, offsetof(SlotRecord, held), count);
    } else if (slot.held_count <= shared_holdings_left_) {
      thread.held = HoldingsAt(slot.held_overflow, kSetHeldOffset, slot.held_count);
      shared_holdings_left_ -= thread.held.size();
    } else {
      shared_holdings_cut_ = true;
    }
  }
  dangling_ = dangling_before;
}

bool Parser::IsInterpreterLock(const Lock& lock) const {
  if (lock.shared.has_value() && lock.shared->space == SharedSpace::kFile) {
    return false;  // the interpreter only makes the call
  }
  const auto in_interpreter = [this](const Frame& frame) {
    return frame.module != kNoIndex && interpreter_module_[static_cast<size_t>(frame.module)];
  };
  if (in_interpreter(lock.place)) {
    return true;
  }
  const Index stack = lock.create_stack != kNoIndex ? lock.create_stack : lock.first_stack;
  if (stack == kNoIndex) {
    return false;
  }
  const std::vector<Frame>& frames = process_.stacks[static_cast<size_t>(stack)].frames;
  if (frames.empty() || frames.front().script == nullptr) {
    return !frames.empty() && in_interpreter(frames.front());
  }
  // Made by the interpreter itself, which is left out of stacks with scripts: threading.Lock() is a semaphore
  // that a script asked for by name; what the standard library makes for its own objects is part of them.
  return lock.kind != LockKind::kNamedSemaphore && !lock.shared.has_value() &&
         (lock.kind != LockKind::kSemaphore || IsPythonLibrary(frames.front().script->file));
}

std::string Parser::TextAt(Ref string, size_t most) {
  if (Resolve(Type::kString, string) == kNoIndex) {
    return "";
  }
  const auto bytes = stream_.GetAt<uint32_t>(string, offsetof(StringRecord, bytes));
  return std::string(stream_.GetText(string, offsetof(StringRecord, text), std::min<size_t>(bytes, most)));
}

void Parser::FillLocks() {
  const std::vector<Ref>& records = stream_.Records(Type::kLock);
  process_.locks.resize(records.size());
  for (size_t i = 0; i < records.size(); ++i) {
    const auto record = stream_.Get<LockRecord>(records[i]);
    Lock& lock = process_.locks[i];
    lock.ref = records[i];
    lock.kind = Known(record.kind, LockKind::kUnknown, LockKind::kChannel, LockKind::kUnknown);
    lock.flags = record.flags;
    lock.address = record.address;
    lock.place = Frame{kNoIndex, record.address};
    if ((record.flags & kStatic) != 0 && ModuleOf(record.module_serial) != kNoIndex) {
      lock.place = Frame{ModuleOf(record.module_serial), record.module_offset};
    }
    lock.create_stack = Resolve(Type::kStack, record.create_stack);
    lock.first_stack = Resolve(Type::kStack, record.first_stack);
    lock.creator = Resolve(Type::kThread, record.creator);
    const bool is_barrier = lock.kind == LockKind::kBarrier;
    lock.owner_at_fork = lock.kind == LockKind::kCondition || is_barrier ? 0 : record.owner_at_fork;
    lock.takes = is_barrier ? record.takes : 0;
    lock.signals = record.signals;
    lock.born_ns = record.born_ns;
    lock.name = TextAt(record.name, kMaxLockName);
    if (Resolve(Type::kShared, record.shared) != kNoIndex) {
      const auto shared = stream_.Get<SharedRecord>(record.shared);
      lock.shared = SharedIdentity{
          Known(shared.space, SharedSpace::kMemory, SharedSpace::kChannel, SharedSpace::kMemory),
          shared.device, shared.inode, shared.offset, shared.length};
    }
    lock.interpreter = IsInterpreterLock(lock);
  }
}

void Parser::FillDependencies() {
  const std::vector<Ref>& records = stream_.Records(Type::kDependency);
  process_.dependencies.resize(records.size());
  for (size_t i = 0; i < records.size(); ++i) {
    const auto record = stream_.Get<DependencyRecord>(records[i]);
    Dependency& dependency = process_.dependencies[i];
    dependency.thread = Resolve(Type::kThread, record.thread);
    if ((record.flags & kAwaitsThread) != 0) {
      dependency.awaited_thread = Resolve(Type::kThread, record.lock);
    } else if ((record.flags & kAwaitsChild) != 0) {
      dependency.awaited_child = Resolve(Type::kChild, record.lock);
    } else {
      dependency.lock = Resolve(Type::kLock, record.lock);
    }
    dependency.stack = Resolve(Type::kStack, record.stack);
    dependency.mode = ModeOf(record.mode);
    dependency.flags = record.flags;
    dependency.count = record.count;
    dependency.first_ns = record.first_ns;
    dependency.last_ns = record.last_ns;
    const size_t segments = std::min(record.segment_count, kSegmentSamples);
    dependency.segments.assign(record.segments, record.segments + segments);
    dependency.signals = record.signals;
    dependency.held = HoldingsAt(records[i], offsetof(DependencyRecord, held), record.held_count);
  }
}

void Parser::FillChildren() {
  const std::vector<Ref>& records = stream_.Records(Type::kChild);
  process_.children.resize(records.size());
  for (size_t i = 0; i < records.size(); ++i) {
    const auto record = stream_.Get<ChildRecord>(records[i]);
    Child& child = process_.children[i];
    child.pid = record.pid;
    child.how = Known(record.how, ChildHow::kFork, ChildHow::kDaemon, ChildHow::kFork);
    child.flags = record.flags;
    child.thread = Resolve(Type::kThread, record.thread);
    child.segment = record.segment;
    child.stack = Resolve(Type::kStack, record.stack);
    child.others_held = HoldingsOfOthers(record.others_held);
    child.start_ns = record.start_ns;
    child.reap_ns = record.reap_ns;
    child.reap_status = record.reap_status;
    child.reaper = Resolve(Type::kThread, record.reaper);
    child.reap_segment = record.reap_segment;
    child.held = HoldingsOfSet(record.held);
    child.reap_held = HoldingsOfSet(record.reap_held);
    child.exec_path = TextOf(record.exec_path);
  }
}

// Kinds of events that this version does not know are skipped like record types.
void Parser::FillEvents() {
  for (const Ref ref : stream_.Records(Type::kEvent)) {
    const auto record = stream_.Get<EventRecord>(ref);
    if (record.kind < static_cast<uint32_t>(EventKind::kUnlockNotHeld) ||
        record.kind > static_cast<uint32_t>(EventKind::kFileLockTaken)) {
      continue;
    }
    Event event;
    event.kind = static_cast<EventKind>(record.kind);
    event.thread = Resolve(Type::kThread, record.thread);
    event.lock = Resolve(Type::kLock, record.object);
    event.lock2 = Resolve(Type::kLock, record.object2);
    event.other = Resolve(Type::kThread, record.other);
    event.value = record.value;
    event.stack = Resolve(Type::kStack, record.stack);
    event.other_stack = Resolve(Type::kStack, record.other_stack);
    event.time_ns = record.time_ns;
    event.error = record.error;
    event.count = uint64_t{1} + record.repeats;
    event.text = TextAt(record.text, kMaxText);
    process_.events.push_back(std::move(event));
  }
}

// Intervals change while they are read: one that ends before it begins is torn.
void Parser::FillFileUpdates() {
  for (const Ref ref : stream_.Records(Type::kFileUpdate)) {
    const auto record = stream_.Get<FileUpdateRecord>(ref);
    FileUpdate update;
    update.thread = Resolve(Type::kThread, record.thread);
    update.path = TextAt(record.path, kMaxPath);
    update.source = TextAt(record.source, kMaxPath);
    update.way = Known(record.way, FileWay::kEmptied, FileWay::kReplaced, FileWay::kEmptied);
    update.flags = record.flags;
    update.read_stack = Resolve(Type::kStack, record.read_stack);
    update.write_stack = Resolve(Type::kStack, record.write_stack);
    update.held = HoldingsOfSet(record.held);
    update.device = record.device;
    update.inode = record.inode;
    update.count = record.count;
    for (uint32_t i = 0; i < std::min(record.interval_count, kFileIntervals); ++i) {
      if (record.intervals[i].read_ns <= record.intervals[i].write_ns) {
        update.intervals.push_back(record.intervals[i]);
      }
    }
    process_.file_updates.push_back(std::move(update));
  }
}

// Counts change while they are read: one record's need not fit together.
void Parser::FillProfiles() {
  const double ns_per_tick = NsPerTick(header_.first_reading, header_.last_reading);
  // A damaged count may be more than fits.
  const auto ns = [ns_per_tick](uint64_t ticks) {
    return static_cast<uint64_t>(std::min(static_cast<double>(ticks) * ns_per_tick, kMostProfiledNs));
  };
  for (const Ref ref : stream_.Records(Type::kProfile)) {
    const auto record = stream_.Get<ProfileRecord>(ref);
    process_.profiles.push_back({.lock = Resolve(Type::kLock, record.lock),
                                 .stack = Resolve(Type::kStack, record.stack),
                                 .mode = ModeOf(record.mode),
                                 .acquisitions = record.acquisitions,
                                 .contended = record.contended,
                                 .wait_ns = ns(record.wait_ticks),
                                 .most_wait_ns = ns(record.most_wait_ticks),
                                 .hold_ns = ns(record.hold_ticks),
                                 .most_hold_ns = ns(record.most_hold_ticks)});
  }
}

void Parser::DescribeDamage() {
  std::vector<std::string> damages;
  if (!stream_.valid()) {
    damages.emplace_back("there was no memory to read its records");
  }
  if (header_.used > kMaxTraceBytes && bytes_.size() >= kMaxTraceBytes) {
    damages.push_back("only its first " + std::to_string(kMaxTraceBytes >> 20) + " MiB were read");
  } else if (header_.used > bytes_.size()) {
    damages.push_back("the last " + std::to_string(header_.used - bytes_.size()) + " bytes are missing");
  }
  if (header_.end > static_cast<uint32_t>(End::kExec)) {
    damages.push_back("its end has the unknown kind " + std::to_string(header_.end));
  }
  if (stream_.damaged() != 0) {
    damages.push_back(std::to_string(stream_.damaged()) + " unreadable places among its records");
  }
  if (dangling_ != 0) {
    damages.push_back(std::to_string(dangling_) + " references to records that are not there");
  }
  if (unknown_frames_ != 0) {
    damages.push_back(std::to_string(unknown_frames_) + " frames in modules that are not there");
  }
  if (shared_holdings_cut_) {
    damages.emplace_back("too many held locks");
  }
  for (const std::string& damage : damages) {
    process_.damage += (process_.damage.empty() ? "" : "; ") + damage;
  }
}

}  // namespace

std::optional<FileHeader> ParseHeader(std::string_view bytes, std::string* why) {
  FileHeader header{};
  if (bytes.size() < kLeastHeaderBytes) {
    *why = "is too short to be a trace";
    return std::nullopt;
  }
  memcpy(&header, bytes.data(), std::min(bytes.size(), sizeof(header)));
  if (memcmp(header.magic, kMagic, sizeof(kMagic)) != 0) {
    *why = "is not a trace";
    return std::nullopt;
  }
  if (header.endian != kEndianMark) {
    *why = "was written on a machine of another byte order";
    return std::nullopt;
  }
  if (header.version != kLayoutVersion) {
    *why =
        "has the trace version " + std::to_string(header.version) + ", not " + std::to_string(kLayoutVersion);
    return std::nullopt;
  }
  if (header.header_bytes < kLeastHeaderBytes || header.header_bytes > kControlOffset) {
    *why = "has a damaged header";
    return std::nullopt;
  }
  if (header.header_bytes < sizeof(header)) {
    memset(reinterpret_cast<char*>(&header) + header.header_bytes, 0, sizeof(header) - header.header_bytes);
  }
  return header;
}

Process Parse(const FileHeader& header, std::string_view bytes) { return Parser(header, bytes).Run(); }

}  // namespace gordian::trace
