#include "libsync/inspect/python/locks.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <string_view>
#include <utility>

#include "libsync/inspect/python/library.h"
#include "libsync/inspect/python/strings.h"

namespace gordian::inspect::python {
namespace {

using gordian::python::Instruction;

// _thread.lock and _thread.RLock: what they are made of.
constexpr uint32_t kLockSemaphore = 16;
// builtin_function_or_method: its definition, which begins with the name, and the object that it is bound to.
// A method of Python code has its object at the same place.
constexpr uint32_t kDefinition = 16;
constexpr uint32_t kBoundTo = 24;
// To 3.10: PyTryBlock, PyCodeObject.co_code.
constexpr uint32_t kBlockBytes = 12;
constexpr uint32_t kCode = 48;
constexpr uint8_t kSetupWith = 143;
constexpr uint8_t kExtendedArg = 144;
// From 3.13.1 a waiter's record, which begins with the lock's mutex, has its semaphore behind that.
constexpr int kFirstWithParkingLot = 13;
constexpr uint32_t kMutexBeforeSemaphore = 8;
constexpr uint32_t kMutexInLock = 16;
// From 3.14 a frame inside `with` keeps the object itself.
constexpr int kFirstWithObject = 14;

constexpr uint64_t kMarks = 7;
constexpr size_t kMaxBlocks = 20;  // CO_MAXBLOCKS
constexpr uint32_t kMaxSlots = 1024;
constexpr size_t kMaxHandlers = 256;
constexpr size_t kFramesOfWait = 3;

// The exception table of a code object (from 3.11; Objects/exception_handling_notes.txt): per range of
// instructions the handler, and how deep the value stack is there.
struct Handler {
  int64_t start = 0;
  int64_t end = 0;
  int64_t target = 0;
  uint64_t depth = 0;
};

// Six bits a byte, the highest first; bit 6 says that one more follows.
uint64_t Varint(std::string_view table, size_t* at) {
  uint64_t value = 0;
  while (*at < table.size()) {
    const auto byte = static_cast<uint8_t>(table[(*at)++]);
    value = value << 6 | (byte & 63U);
    if ((byte & 64) == 0) {
      break;
    }
  }
  return value;
}

std::vector<Handler> ReadHandlers(std::string_view table) {
  std::vector<Handler> handlers;
  for (size_t at = 0; at < table.size();) {
    Handler handler;
    handler.start = static_cast<int64_t>(2 * Varint(table, &at));
    handler.end = handler.start + static_cast<int64_t>(2 * Varint(table, &at));
    handler.target = static_cast<int64_t>(2 * Varint(table, &at));
    handler.depth = Varint(table, &at) >> 1;
    handlers.push_back(handler);
  }
  return handlers;
}

}  // namespace

std::optional<PythonLock> Locks::AsLock(uint64_t object) {
  const std::string& type = variables_->objects().TypeName(object);
  if (type != "_thread.lock" && type != "_thread.RLock") {
    return std::nullopt;
  }
  PythonLock lock;
  lock.object = object;
  lock.semaphore = interpreter_->memory().Get<uint64_t>(object + kLockSemaphore).value_or(0);
  lock.reentrant = type == "_thread.RLock";
  return lock;
}

std::optional<PythonLock> Locks::ReleasedBy(uint64_t slot) {
  const Memory& memory = interpreter_->memory();
  const std::string& type = variables_->objects().TypeName(slot);
  const uint64_t self = memory.Get<uint64_t>(slot + kBoundTo).value_or(0);
  if (type == "builtin_function_or_method") {
    const uint64_t name =
        memory.Get<uint64_t>(memory.Get<uint64_t>(slot + kDefinition).value_or(0)).value_or(0);
    char text[9] = {};
    memory.Read(name, text, sizeof(text));
    return std::string_view(text, sizeof(text) - 1) == "__exit__" && text[8] == '\0' ? AsLock(self)
                                                                                     : std::nullopt;
  }
  if (type == "method" && variables_->objects().TypeName(self) == "Condition") {
    return AsLock(variables_->objects().Attribute(self, "_lock"));
  }
  return interpreter_->layout().minor >= kFirstWithObject ? AsLock(slot) : std::nullopt;
}

uint64_t Locks::StackBase(const Frame& frame) const {
  const Layout& layout = interpreter_->layout();
  const Memory& memory = interpreter_->memory();
  if (layout.value_stack != 0) {
    return memory.Get<uint64_t>(frame.address + layout.value_stack).value_or(0);
  }
  const uint32_t locals = memory.Get<uint32_t>(frame.code + layout.local_count).value_or(0);
  return frame.address + layout.locals + sizeof(uint64_t) * std::min(locals, kMaxSlots);
}

// The block stack has one block for each `with`, whose handler the instruction that made it names.
std::vector<Locks::Block> Locks::OldBlocks(const Frame& frame) const {
  const Layout& layout = interpreter_->layout();
  const Memory& memory = interpreter_->memory();
  const int64_t unit = layout.instruction_is == Instruction::kUnits ? 2 : 1;
  const std::string code =
      ReadBytes(memory, memory.Get<uint64_t>(frame.code + kCode).value_or(0)).value_or("");
  const auto count = static_cast<size_t>(
      std::clamp(memory.Get<int32_t>(frame.address + layout.block_count).value_or(0), 0, int{kMaxBlocks}));
  std::vector<Block> blocks;
  for (size_t b = 0; b < count; ++b) {
    const uint64_t at = frame.address + layout.blocks + b * kBlockBytes;
    const int64_t handler = unit * memory.Get<int32_t>(at + 4).value_or(0);
    Block block;
    block.depth = static_cast<uint64_t>(std::max(0, memory.Get<int32_t>(at + 8).value_or(0)));
    int64_t argument = 0;
    for (size_t i = 0; i + 1 < code.size(); i += 2) {
      const auto operation = static_cast<uint8_t>(code[i]);
      argument = argument << 8 | static_cast<uint8_t>(code[i + 1]);
      if (operation == kSetupWith && static_cast<int64_t>(i) + 2 + unit * argument == handler) {
        block.start = static_cast<int64_t>(i);
      }
      argument = operation == kExtendedArg ? argument : 0;
    }
    blocks.push_back(block);
  }
  return blocks;
}

std::vector<Locks::Block> Locks::BlocksOf(const Frame& frame) const {
  const Layout& layout = interpreter_->layout();
  const Memory& memory = interpreter_->memory();
  if (layout.exception_table == 0) {
    return OldBlocks(frame);
  }
  const std::string table =
      ReadBytes(memory, memory.Get<uint64_t>(frame.code + layout.exception_table).value_or(0)).value_or("");
  const std::vector<Handler> handlers = ReadHandlers(table);
  const auto at = [&handlers](int64_t instruction) {
    return std::find_if(handlers.begin(), handlers.end(), [instruction](const Handler& handler) {
      return handler.start <= instruction && instruction < handler.end;
    });
  };
  // From the innermost handler outwards: the code of a handler lies under the next one. A slot of the value
  // stack was pushed by the outermost block of which the handler finds it as the last one.
  std::map<uint64_t, Block> by_depth;
  auto handler = at(frame.instruction);
  for (size_t h = 0; h < kMaxHandlers && handler != handlers.end(); ++h) {
    // Where others lie in a block, its range is cut; all pieces have one handler.
    const auto first = std::find_if(handlers.begin(), handlers.end(), [handler](const Handler& piece) {
      return piece.target == handler->target;
    });
    by_depth[handler->depth] = {handler->depth, first->start};
    handler = at(handler->target);
  }
  const uint64_t innermost = at(frame.instruction) == handlers.end() ? 0 : at(frame.instruction)->depth;
  std::vector<Block> blocks;
  for (const auto& [depth, block] : by_depth) {
    // A handler has more on its stack than the code it is for.
    if (depth > 0 && depth <= innermost) {
      blocks.push_back(block);
    }
  }
  return blocks;
}

std::vector<HeldLock> Locks::HeldBy(pid_t inner_tid) {
  const Memory& memory = interpreter_->memory();
  const std::vector<Frame> frames = interpreter_->FramesOf(inner_tid);
  std::vector<HeldLock> held;
  for (size_t f = 0; f < frames.size(); ++f) {
    // Condition.wait() has given up the lock that a frame outside of it took.
    const bool waits =
        f > 0 && IsLibraryFunction(interpreter_->Describe(frames[f - 1]), "threading.py", "wait");
    const uint64_t base = StackBase(frames[f]);
    uint64_t below = 0;
    for (const Block& block : BlocksOf(frames[f])) {
      for (uint64_t slot = below; slot < std::min<uint64_t>(block.depth, kMaxSlots); ++slot) {
        const uint64_t value = memory.Get<uint64_t>(base + slot * sizeof(uint64_t)).value_or(0) & ~kMarks;
        const auto lock = ReleasedBy(value);
        if (!lock || (waits && variables_->objects().TypeName(value) == "method")) {
          continue;
        }
        HeldLock holding{*lock, {interpreter_->Describe(frames[f], block.start)}};
        for (size_t outer = f + 1; outer < frames.size(); ++outer) {
          holding.stack.push_back(interpreter_->Describe(frames[outer]));
        }
        held.push_back(std::move(holding));
      }
      below = std::max(below, block.depth);
    }
  }
  return held;
}

std::optional<PythonLock> Locks::WaitedFor(pid_t inner_tid, uint64_t semaphore) {
  const Memory& memory = interpreter_->memory();
  const Layout& layout = interpreter_->layout();
  std::vector<Frame> frames = interpreter_->FramesOf(inner_tid);
  frames.resize(std::min(frames.size(), kFramesOfWait));
  for (const Frame& frame : frames) {
    const uint64_t base = StackBase(frame);
    const uint32_t slots =
        std::min(memory.Get<uint32_t>(frame.code + layout.stack_size).value_or(0), kMaxSlots);
    std::vector<uint64_t> values;
    for (uint32_t slot = 0; slot < slots; ++slot) {
      values.push_back(memory.Get<uint64_t>(base + slot * sizeof(uint64_t)).value_or(0) & ~kMarks);
    }
    for (const auto& [name, value] : variables_->LocalsOf(frame)) {
      values.push_back(value);
    }
    for (const uint64_t value : values) {
      const bool bound = variables_->objects().TypeName(value) == "builtin_function_or_method";
      const auto lock = AsLock(bound ? memory.Get<uint64_t>(value + kBoundTo).value_or(0) : value);
      if (lock && lock->semaphore == semaphore) {
        return lock;
      }
    }
  }
  if (layout.minor >= kFirstWithParkingLot) {
    return AsLock(memory.Get<uint64_t>(semaphore - kMutexBeforeSemaphore).value_or(0) - kMutexInLock);
  }
  return std::nullopt;
}

}  // namespace gordian::inspect::python
