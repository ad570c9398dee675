#include "libsync/record/scripts.h"

#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

#include "libsync/record/image.h"
#include "libsync/record/raw.h"
#include "libsync/record/table.h"

// What every build of CPython exports, stripped ones as well. Null where none was loaded with the program.
extern "C" {
extern __attribute__((weak)) char _PyRuntime;
extern __attribute__((weak)) char PyCode_Type;
extern __attribute__((weak)) const uint32_t Py_Version;  // from 3.11
__attribute__((weak)) void* PyGILState_GetThisThreadState(void);
__attribute__((weak)) void _PyEval_EvalFrameDefault(void);
}

namespace gordian::record {

Interpreter g_interpreter;

namespace {

using python::EntryMark;
using python::Instruction;
using python::Layout;

// Pointers to executables carry marks in their lowest bits (from 3.14).
constexpr uint64_t kMarks = 7;
// Up to here libpython's own answer for the calling thread is wrong where there are several interpreters.
constexpr int kLastWithOneInterpreter = 11;
constexpr int kKeyFrames = 4;
constexpr int kMostSteps = 200;  // frames without Python code count too
constexpr uint32_t kObjectType = 8;
// str and bytes: their length, after the reference count and the type; a str's state; a bytes' contents.
constexpr uint32_t kLength = 16;
constexpr uint32_t kStringState = 32;
constexpr uint32_t kBytesData = 32;
constexpr uint32_t kMostText = 1024;
constexpr uint32_t kMostLineTable = 32 * 1024;

template <typename T>
T Load(uint64_t address) {
  T value;
  memcpy(&value, reinterpret_cast<const void*>(address), sizeof(value));
  return value;
}

bool IsPointer(uint64_t value) { return value != 0 && value % sizeof(uint64_t) == 0; }

uint64_t Runtime() { return reinterpret_cast<uint64_t>(&_PyRuntime); }

// 11 of "libpython3.11.so.1.0", of "python3.11"; 0: the name does not tell.
int MinorByName(const char* path) {
  constexpr char kMark[] = "python3.";
  const char* found = nullptr;
  for (const char* at = strstr(path, kMark); at != nullptr; at = strstr(at + 1, kMark)) {
    found = at;
  }
  int minor = 0;
  for (const char* at = found == nullptr ? "" : found + sizeof(kMark) - 1; *at >= '0' && *at <= '9'; ++at) {
    minor = minor * 10 + (*at - '0');
  }
  return minor;
}

int FindMinor(const Dl_info& info) {
  if (&Py_Version != nullptr) {
    return (Py_Version >> 24) == 3 ? static_cast<int>((Py_Version >> 16) & 0xFF) : 0;
  }
  char program[512];
  if (const int minor = MinorByName(info.dli_fname); minor != 0) {
    return minor;
  }
  const long bytes = RawSyscall(SYS_readlink, ToRaw("/proc/self/exe"), ToRaw(program), sizeof(program) - 1);
  program[bytes < 0 ? 0 : bytes] = '\0';
  return MinorByName(program);
}

// Null where the thread runs no Python, or another interpreter than the answer is of.
uint64_t OwnState(const Layout& layout) {
  const auto first = Load<uint64_t>(Runtime() + layout.interpreters);
  if (!IsPointer(first) ||
      (layout.minor <= kLastWithOneInterpreter && Load<uint64_t>(first + layout.next_interpreter) != 0)) {
    return 0;
  }
  const auto state = reinterpret_cast<uint64_t>(PyGILState_GetThisThreadState());
  const auto self = static_cast<uint64_t>(pthread_self());
  return IsPointer(state) && Load<uint64_t>(state + layout.thread_id) == self ? state : 0;
}

uint64_t InnermostFrame(const Layout& layout) {
  const uint64_t state = OwnState(layout);
  const uint64_t frame = state == 0 ? 0 : Load<uint64_t>(state + layout.frame);
  return layout.by_cframe && IsPointer(frame) ? Load<uint64_t>(frame + layout.cframe_frame) : frame;
}

int64_t ReadInstruction(const Layout& layout, uint64_t frame, uint64_t code) {
  const uint64_t at = frame + layout.instruction;
  switch (layout.instruction_is) {
    case Instruction::kBytes:
      return Load<int32_t>(at);
    case Instruction::kUnits:
      return int64_t{2} * Load<int32_t>(at);
    case Instruction::kPointer:
      return static_cast<int64_t>(Load<uint64_t>(at) - (code + layout.bytecode));
  }
  return -1;
}

// Characters as they lie in the object.
struct Text {
  const void* characters;
  uint32_t bytes;
  uint8_t width;
};

// Empty: it cannot be read. What it points to may be gone where a handler interrupted the interpreter.
Text TextOf(const Layout& layout, uint64_t string, ReadableMemory* memory) {
  if (!IsPointer(string) || !memory->Covers(reinterpret_cast<const void*>(string)) ||
      !memory->Covers(reinterpret_cast<const void*>(string + kStringState))) {
    return Text{"", 0, 1};
  }
  const auto length = Load<uint64_t>(string + kLength);
  const auto state = Load<uint32_t>(string + kStringState);
  const auto width = static_cast<uint8_t>((state >> 2) & 7);
  const bool compact = (state & 0x20) != 0;
  const uint64_t characters = string + ((state & 0x40) != 0 ? layout.ascii : layout.compact);
  if (!compact || (width != 1 && width != 2 && width != 4) || length * width > kMostText ||
      !memory->Covers(reinterpret_cast<const void*>(characters + length * width))) {
    return Text{"", 0, 1};
  }
  return Text{reinterpret_cast<const void*>(characters), static_cast<uint32_t>(length * width), width};
}

Text LineTableOf(const Layout& layout, uint64_t code, ReadableMemory* memory) {
  const auto bytes = Load<uint64_t>(code + layout.line_table);
  if (!IsPointer(bytes) || !memory->Covers(reinterpret_cast<const void*>(bytes)) ||
      !memory->Covers(reinterpret_cast<const void*>(bytes + kLength))) {
    return Text{"", 0, 1};
  }
  const auto length = Load<uint64_t>(bytes + kLength);
  if (length > kMostLineTable ||
      !IsReadable(reinterpret_cast<const void*>(bytes + kBytesData), static_cast<size_t>(length))) {
    return Text{"", 0, 1};
  }
  return Text{reinterpret_cast<const void*>(bytes + kBytesData), static_cast<uint32_t>(length), 1};
}

template <size_t kBytes>
bool EndsWith(const char* text, uint64_t bytes, const char (&end)[kBytes]) {
  return bytes >= kBytes - 1 && memcmp(text + bytes - (kBytes - 1), end, kBytes - 1) == 0;
}

trace::Ref StoreCode(uint64_t code, const trace::CodeRecord& facts, const Text& file, const Text& function,
                     const Text& lines) {
  trace::Ref ref = 0;
  auto* record = g_trace.Append<trace::CodeRecord>(trace::Type::kCode,
                                                   size_t{file.bytes} + function.bytes + lines.bytes, &ref);
  if (record == nullptr) {
    return 0;
  }
  record->minor = facts.minor;
  record->file_width = file.width;
  record->function_width = function.width;
  record->first_line = facts.first_line;
  record->address = code;
  record->file_bytes = file.bytes;
  record->function_bytes = function.bytes;
  record->line_table_bytes = lines.bytes;
  memcpy(record->text, file.characters, file.bytes);
  memcpy(record->text + file.bytes, function.characters, function.bytes);
  memcpy(record->text + file.bytes + function.bytes, lines.characters, lines.bytes);
  g_trace.Commit(record, false);
  return ref;
}

// Another object may come to lie where one was freed.
uint64_t CodeKey(const Layout& layout, uint64_t code) {
  const auto first_line = Load<uint32_t>(code + layout.first_line);
  return MixBits(code ^ MixBits(first_line ^ Load<uint64_t>(code + layout.line_table))) | 1;
}

trace::Ref RecordCode(const Layout& layout, uint64_t code) {
  ReadableMemory memory;
  if (!memory.Covers(reinterpret_cast<const void*>(code)) ||
      !memory.Covers(reinterpret_cast<const void*>(code + layout.line_table)) ||
      Load<uint64_t>(code + kObjectType) != reinterpret_cast<uint64_t>(&PyCode_Type)) {
    return 0;
  }
  Table& codes = g_image->codes;
  const uint64_t key = CodeKey(layout, code);
  auto ref = static_cast<trace::Ref>(codes.Find(key));
  if (ref == 0) {
    trace::CodeRecord facts{};
    facts.minor = static_cast<uint8_t>(layout.minor);
    facts.first_line = Load<int32_t>(code + layout.first_line);
    const Text file = TextOf(layout, Load<uint64_t>(code + layout.file), &memory);
    const Text function = TextOf(layout, Load<uint64_t>(code + layout.function), &memory);
    ref = StoreCode(code, facts, file, function, LineTableOf(layout, code, &memory));
    codes.Put(&g_image->arena, key, ref);
  }
  return ref;
}

}  // namespace

void FindInterpreter() {
  Dl_info info{};
  void* found = nullptr;
  if (&_PyRuntime == nullptr || &PyCode_Type == nullptr || &PyGILState_GetThisThreadState == nullptr ||
      dladdr1(&_PyRuntime, &info, &found, RTLD_DL_LINKMAP) == 0 || info.dli_fname == nullptr) {
    return;
  }
  dl_find_object object{};
  if (_dl_find_object(reinterpret_cast<void*>(&PyGILState_GetThisThreadState), &object) != 0) {
    return;
  }
  g_interpreter.image_start = reinterpret_cast<uint64_t>(object.dlfo_map_start);
  g_interpreter.image_end = reinterpret_cast<uint64_t>(object.dlfo_map_end);
  g_interpreter.loop = reinterpret_cast<uint64_t>(&_PyEval_EvalFrameDefault);
  g_interpreter.layout = python::FindLayout(FindMinor(info));
}

int ReadScripts(ScriptPlace* places, int most) {
  if (g_interpreter.layout == nullptr) {
    return 0;
  }
  const Layout& layout = *g_interpreter.layout;
  int count = 0;
  uint64_t frame = InnermostFrame(layout);
  for (int steps = 0; IsPointer(frame) && count < most && steps < kMostSteps; ++steps) {
    const uint64_t code = Load<uint64_t>(frame + layout.code) & ~kMarks;
    const uint8_t entry =
        layout.entry_mark == EntryMark::kEach ? uint8_t{1} : Load<uint8_t>(frame + layout.entry);
    if (layout.entry_mark == EntryMark::kShell && entry >= python::kFirstShellOwner) {
      if (count > 0) {
        places[count - 1].last_of_loop = true;
      }
    } else if (IsPointer(code)) {
      const bool begins_loop = layout.entry_mark != EntryMark::kShell && entry != 0;
      places[count++] = ScriptPlace{code, ReadInstruction(layout, frame, code), begins_loop};
    }
    frame = Load<uint64_t>(frame + layout.previous);
  }
  return count;
}

namespace {

uint64_t KeyOf(const ScriptPlace* places, int count) {
  uint64_t key = 0;
  for (int i = 0; i < count; ++i) {
    key = MixBits(key ^ places[i].code ^ static_cast<uint64_t>(places[i].instruction) << 48);
  }
  return key;
}

// An instruction is a byte that says what, and a byte that counts the arguments of a call.
bool Waits(const Layout& layout, const ScriptPlace& place) {
  if (layout.call_with_collections == 0 || place.instruction < 0) {
    return false;
  }
  const uint64_t code = layout.instruction_is == Instruction::kPointer
                            ? place.code + layout.bytecode
                            : Load<uint64_t>(place.code + layout.bytecode) + kBytesData;
  const uint64_t at = code + static_cast<uint64_t>(place.instruction);
  const auto operation = Load<uint8_t>(at);
  return (layout.with != 0 && operation == layout.with) ||
         (Load<uint8_t>(at + 1) == 0 && operation != layout.call_with_collections);
}

}  // namespace

uint64_t ScriptKey() {
  ScriptPlace places[kKeyFrames];
  return KeyOf(places, ReadScripts(places, kKeyFrames));
}

uint64_t EncodeScript(const ScriptPlace& place) {
  const trace::Ref code = RecordCode(*g_interpreter.layout, place.code);
  constexpr int64_t most = trace::kScriptUnitMask;
  const int64_t unit = place.instruction < 0 ? 0 : place.instruction / 2;
  return code == 0 ? 0
                   : uint64_t{trace::kScriptSerial} << trace::kFrameModuleShift |
                         uint64_t{code} << trace::kScriptUnitBits |
                         static_cast<uint64_t>(unit < most ? unit : most);
}

uint64_t InheritScript(const TraceFile& from, uint64_t frame) {
  const auto ref = static_cast<trace::Ref>((frame & trace::kFrameOffsetMask) >> trace::kScriptUnitBits);
  if (ref == 0 || uint64_t{ref} * trace::kRecordAlign + sizeof(trace::CodeRecord) > from.used()) {
    return 0;
  }
  const auto* code = from.At<trace::CodeRecord>(ref);
  const uint64_t bytes = uint64_t{code->file_bytes} + code->function_bytes + code->line_table_bytes;
  if (code->prefix.type != static_cast<uint16_t>(trace::Type::kCode) ||
      uint64_t{ref} * trace::kRecordAlign + sizeof(trace::CodeRecord) + bytes > from.used()) {
    return 0;
  }
  const char* text = code->text;
  const Text file{text, code->file_bytes, code->file_width};
  const Text function{text + code->file_bytes, code->function_bytes, code->function_width};
  const Text lines{text + code->file_bytes + code->function_bytes, code->line_table_bytes, 1};
  const trace::Ref copy = StoreCode(code->address, *code, file, function, lines);
  return copy == 0 ? 0
                   : uint64_t{trace::kScriptSerial} << trace::kFrameModuleShift |
                         uint64_t{copy} << trace::kScriptUnitBits | (frame & trace::kScriptUnitMask);
}

bool StandsForThread(trace::Ref create_stack) {
  if (g_interpreter.layout == nullptr || create_stack == 0) {
    return false;
  }
  const auto* stack = g_trace.At<trace::StackRecord>(create_stack);
  const uint64_t frame = stack->count == 0 ? 0 : stack->frames[0];
  const auto ref = static_cast<trace::Ref>((frame & trace::kFrameOffsetMask) >> trace::kScriptUnitBits);
  if (frame >> trace::kFrameModuleShift != trace::kScriptSerial || ref == 0) {
    return false;
  }
  // With its class from 3.11 on.
  const auto* code = g_trace.At<trace::CodeRecord>(ref);
  return EndsWith(code->text, code->file_bytes, "/threading.py") &&
         EndsWith(code->text + code->file_bytes, code->function_bytes, "_set_tstate_lock");
}

trace::PlanFrame PlannedScript(uint64_t frame) {
  const auto ref = static_cast<trace::Ref>((frame & trace::kFrameOffsetMask) >> trace::kScriptUnitBits);
  const auto* code = g_trace.At<trace::CodeRecord>(ref);
  const uint64_t bytes = uint64_t{code->file_bytes} + code->function_bytes + code->line_table_bytes;
  return {trace::ScriptModule(code->text, bytes, code->first_line), frame & trace::kScriptUnitMask};
}

bool InScript::Begin() {
  ScriptPlace places[kKeyFrames];
  const int count = ReadScripts(places, kKeyFrames);
  if (Thread* thread = t_thread; thread->own_slot != nullptr && !t_inside) {
    thread->script = KeyOf(places, count);
  }
  return count > 0 && Waits(*g_interpreter.layout, places[0]);
}

void InScript::End() {
  if (Thread* thread = t_thread; thread->own_slot != nullptr) {
    thread->script = 0;
  }
}

}  // namespace gordian::record
