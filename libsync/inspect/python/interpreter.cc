#include "libsync/inspect/python/interpreter.h"

#include <algorithm>
#include <charconv>
#include <string_view>

#include "libsync/inspect/dynamic_symbols.h"
#include "libsync/inspect/python/strings.h"
#include "libsync/python/lines.h"

namespace gordian::inspect::python {
namespace {

using gordian::python::EntryMark;
using gordian::python::FindLayout;
using gordian::python::Instruction;
using gordian::python::kFirstShellOwner;
using gordian::python::LineAt;
using trace::Index;
using trace::kNoIndex;

constexpr uint32_t kNextThread = 8;
constexpr uint32_t kInterpreterOfThread = 16;

// No chain of a sane process is longer; one that is damaged may be a circle.
constexpr int kMaxInterpreters = 64;
constexpr int kMaxThreads = 100'000;
constexpr size_t kMaxFrames = 256;

// Pointers to executables carry marks in their lowest bits (from 3.14).
constexpr uint64_t kMarks = 7;

constexpr std::string_view kRuntimeSymbol = "_PyRuntime";
constexpr std::string_view kVersionSymbol = "Py_Version";
constexpr std::string_view kEvaluationSymbol = "_PyEval_EvalFrameDefault";

// 11 of "libpython3.11.so.1.0", of "python3.11"; 0: the name does not tell.
int MinorByName(std::string_view path) {
  constexpr std::string_view mark = "python3.";
  const std::string_view name = path.substr(path.rfind('/') + 1);
  const size_t at = name.find(mark);
  int minor = 0;
  if (at != std::string_view::npos) {
    std::from_chars(name.data() + at + mark.size(), name.data() + name.size(), minor);
  }
  return minor;
}

// Py_Version is a constant: 0x030b02f0 stands for 3.11.2.
int MinorByConstant(uint32_t version) {
  return (version >> 24) == 3 ? static_cast<int>((version >> 16) & 0xFF) : 0;
}

bool IsPointer(uint64_t value) { return value != 0 && value % sizeof(uint64_t) == 0; }

}  // namespace

std::unique_ptr<Interpreter> Interpreter::Find(const Memory* memory, const AddressSpace* space,
                                               const LibcLayout* libc, const std::set<pid_t>& inner_tids,
                                               std::string* why) {
  const std::set<std::string, std::less<>> names = {std::string(kRuntimeSymbol), std::string(kVersionSymbol),
                                                    std::string(kEvaluationSymbol)};
  for (size_t m = 0; m < space->modules.size(); ++m) {
    const trace::Module& module = space->modules[m];
    const auto symbols = FindDynamicSymbols(module, names);
    const auto runtime = symbols.find(kRuntimeSymbol);
    if (runtime == symbols.end()) {
      continue;
    }
    const auto version = symbols.find(kVersionSymbol);
    const auto constant =
        version == symbols.end() ? std::nullopt : memory->Get<uint32_t>(version->second.address);
    const int minor = constant ? MinorByConstant(*constant) : MinorByName(module.path);
    const Layout* layout = FindLayout(minor);
    if (layout == nullptr) {
      *why = minor == 0 ? "a Python of unknown version" : "Python 3." + std::to_string(minor);
      return nullptr;
    }
    std::unique_ptr<Interpreter> found(new Interpreter(memory, *layout, libc));
    found->module_ = static_cast<Index>(m);
    if (const auto loop = symbols.find(kEvaluationSymbol); loop != symbols.end()) {
      found->evaluation_start_ = loop->second.address;
      found->evaluation_size_ = loop->second.size;
    }
    if (!found->FindThreads(runtime->second.address, inner_tids)) {
      *why = "a build of Python 3." + std::to_string(minor) + " whose data lies elsewhere than expected";
      return nullptr;
    }
    return found;
  }
  return nullptr;
}

bool Interpreter::FindThreads(uint64_t runtime, const std::set<pid_t>& inner_tids) {
  uint64_t interpreter = memory_->Get<uint64_t>(runtime + layout_.interpreters).value_or(0);
  for (int i = 0; i < kMaxInterpreters && interpreter != 0; ++i) {
    if (!IsPointer(interpreter) || !AddThreads(interpreter, inner_tids)) {
      return false;
    }
    interpreter = memory_->Get<uint64_t>(interpreter + layout_.next_interpreter).value_or(0);
  }
  return true;
}

bool Interpreter::AddThreads(uint64_t interpreter, const std::set<pid_t>& inner_tids) {
  uint64_t thread = memory_->Get<uint64_t>(interpreter + layout_.threads).value_or(0);
  for (int t = 0; t < kMaxThreads && thread != 0; ++t) {
    if (!IsPointer(thread) || memory_->Get<uint64_t>(thread + kInterpreterOfThread) != interpreter) {
      return false;
    }
    // A thread that is just being made, or has ended, is none of the process's.
    if (const pid_t tid = InnerTid(thread); inner_tids.contains(tid)) {
      threads_[tid] = thread;
    }
    thread = memory_->Get<uint64_t>(thread + kNextThread).value_or(0);
  }
  return true;
}

// The C library knows the number after a fork, too.
pid_t Interpreter::InnerTid(uint64_t thread) const {
  const uint64_t pthread = memory_->Get<uint64_t>(thread + layout_.thread_id).value_or(0);
  if (libc_ != nullptr && memory_->Get<uint64_t>(pthread + libc_->thread_self) == pthread) {
    return memory_->Get<pid_t>(pthread + libc_->thread_tid).value_or(0);
  }
  return layout_.native_id == 0
             ? 0
             : static_cast<pid_t>(memory_->Get<uint64_t>(thread + layout_.native_id).value_or(0));
}

uint64_t Interpreter::InnermostFrame(uint64_t thread) const {
  const uint64_t frame = memory_->Get<uint64_t>(thread + layout_.frame).value_or(0);
  return layout_.by_cframe && frame != 0 ? memory_->Get<uint64_t>(frame + layout_.cframe_frame).value_or(0)
                                         : frame;
}

int64_t Interpreter::ReadInstruction(uint64_t frame, uint64_t code) const {
  const uint64_t at = frame + layout_.instruction;
  switch (layout_.instruction_is) {
    case Instruction::kBytes:
      return memory_->Get<int32_t>(at).value_or(-1);
    case Instruction::kUnits:
      return int64_t{2} * memory_->Get<int32_t>(at).value_or(-1);
    case Instruction::kPointer:
      return static_cast<int64_t>(memory_->Get<uint64_t>(at).value_or(0) - (code + layout_.bytecode));
  }
  return -1;
}

std::optional<Interpreter::Frame> Interpreter::ReadFrame(uint64_t address) const {
  const auto previous = memory_->Get<uint64_t>(address + layout_.previous);
  const auto code = memory_->Get<uint64_t>(address + layout_.code);
  if (!IsPointer(address) || !previous || !code) {
    return std::nullopt;
  }
  Frame frame;
  frame.address = address;
  frame.previous = *previous;
  frame.code = *code & ~kMarks;
  const uint8_t entry = layout_.entry_mark == EntryMark::kEach
                            ? uint8_t{1}
                            : memory_->Get<uint8_t>(address + layout_.entry).value_or(0);
  frame.shell = layout_.entry_mark == EntryMark::kShell && entry >= kFirstShellOwner;
  frame.last_of_loop = layout_.entry_mark == EntryMark::kShell ? frame.shell : entry != 0;
  frame.instruction = frame.shell ? 0 : ReadInstruction(address, frame.code);
  return frame;
}

const Interpreter::Code* Interpreter::ReadCode(uint64_t address) {
  const auto [known, is_new] = codes_.try_emplace(address);
  std::optional<Code>& code = known->second;
  if (is_new) {
    const auto pointer = [this, address](uint32_t offset) {
      return memory_->Get<uint64_t>(address + offset).value_or(0);
    };
    const auto function = ReadString(*memory_, layout_, pointer(layout_.function));
    const auto file = ReadString(*memory_, layout_, pointer(layout_.file));
    if (function && file) {
      code = Code{*function, *file, ReadBytes(*memory_, pointer(layout_.line_table)).value_or(""),
                  memory_->Get<int32_t>(address + layout_.first_line).value_or(0)};
    }
  }
  return code ? &*code : nullptr;
}

trace::Frame Interpreter::Describe(const Frame& frame, int64_t instruction) {
  const auto [known, is_new] = described_.try_emplace(std::pair(frame.code, instruction));
  if (is_new) {
    trace::ScriptFrame described;
    if (const Code* code = ReadCode(frame.code)) {
      described.function = code->function;
      described.file = code->file;
      described.line = LineAt(layout_.line_table_is, code->line_table, code->first_line, instruction);
    }
    known->second = std::make_shared<const trace::ScriptFrame>(std::move(described));
  }
  return {.offset = frame.code, .script = known->second};
}

// Those without Python code, too.
std::vector<Interpreter::Frame> Interpreter::Walk(pid_t inner_tid) const {
  std::vector<Frame> frames;
  const auto thread = threads_.find(inner_tid);
  uint64_t address = thread == threads_.end() ? 0 : InnermostFrame(thread->second);
  while (address != 0 && frames.size() < kMaxFrames) {
    const auto frame = ReadFrame(address);
    if (!frame) {
      break;
    }
    frames.push_back(*frame);
    address = frame->previous;
  }
  return frames;
}

std::vector<Interpreter::Frame> Interpreter::FramesOf(pid_t inner_tid) const {
  std::vector<Frame> frames = Walk(inner_tid);
  std::erase_if(frames, [](const Frame& frame) { return frame.shell; });
  return frames;
}

std::vector<std::vector<trace::Frame>> Interpreter::StackOf(pid_t inner_tid) {
  std::vector<std::vector<trace::Frame>> loops(1);
  for (const Frame& frame : Walk(inner_tid)) {
    if (!frame.shell) {
      loops.back().push_back(Describe(frame));
    }
    if (frame.last_of_loop) {
      loops.emplace_back();
    }
  }
  std::erase_if(loops, [](const auto& frames) { return frames.empty(); });
  return loops;
}

pid_t Interpreter::ThreadByIdent(uint64_t ident) const {
  const auto found = std::find_if(threads_.begin(), threads_.end(), [this, ident](const auto& thread) {
    return memory_->Get<uint64_t>(thread.second + layout_.thread_id) == ident;
  });
  return found == threads_.end() ? 0 : found->first;
}

std::vector<pid_t> Interpreter::threads() const {
  std::vector<pid_t> tids;
  for (const auto& [tid, thread] : threads_) {
    tids.push_back(tid);
  }
  return tids;
}

}  // namespace gordian::inspect::python
