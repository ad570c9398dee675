// Where CPython keeps what: one row for each minor version, x86-64. What is in no row is not guessed.
//
// The offsets are those of each version's own headers (Include/internal/pycore_runtime.h, pycore_interp.h,
// pycore_frame.h, cpython/code.h, cpython/pystate.h), compiled; a minor version does not change them.
//
// Thread safety: constants.
#ifndef GORDIAN_LIBSYNC_PYTHON_LAYOUT_H_
#define GORDIAN_LIBSYNC_PYTHON_LAYOUT_H_

#include <cstdint>

namespace gordian::python {

// How a code object maps its instructions to lines.
enum class LineTable : uint8_t {
  kDeltas,     // co_lnotab: pairs of an unsigned step of bytes and a signed step of lines (to 3.9)
  kRanges,     // PEP 626: the same, where -128 stands for "no line" (3.10)
  kLocations,  // entries with columns, in varints (from 3.11)
};

// What a frame says of the instruction that it executes.
enum class Instruction : uint8_t {
  kBytes,    // an int: the offset in bytes
  kUnits,    // an int: the offset in code units of two bytes
  kPointer,  // a pointer into the code object
};

// How a frame shows that a native evaluation loop began with it.
enum class EntryMark : uint8_t {
  kEach,   // every frame has a loop of its own (to 3.10)
  kFlag,   // a byte of the frame says so (3.11)
  kShell,  // a frame without Python code stands behind it, known by its owner (from 3.12)
};

// Where the attributes of an object stand that its class has no slots for.
enum class Attributes : uint8_t {
  kDict,     // in a dict, whose place the type tells (to 3.10)
  kPointer,  // in an array that a word before the object points to, else in a dict (3.11)
  kTagged,   // the same, in one word that says which (3.12)
  kInline,   // behind the object itself, else in a dict (from 3.13)
};

// Offsets in bytes. All of a `tstate` but these: next at 8, interp at 16.
struct Layout {
  int minor;  // of 3.minor
  // _PyRuntime and PyInterpreterState.
  uint32_t interpreters;
  uint32_t next_interpreter;
  uint32_t threads;
  // PyThreadState. `frame` is that of the innermost frame, or of the cframe that has it at `cframe_frame`.
  uint32_t frame;
  bool by_cframe;
  uint32_t cframe_frame;
  uint32_t thread_id;
  uint32_t native_id;  // 0: none
  // PyFrameObject to 3.10, then _PyInterpreterFrame.
  uint32_t previous;
  uint32_t code;
  uint32_t instruction;
  Instruction instruction_is;
  EntryMark entry_mark;
  uint32_t entry;    // kFlag: the flag. kShell: the owner
  uint32_t locals;   // the local variables; the value stack follows them
  uint32_t globals;  // the module's dict
  // To 3.10: how many blocks (`with`, `try` ...) it is in, and the first of them.
  uint32_t block_count;
  uint32_t blocks;
  uint32_t value_stack;  // to 3.10: the pointer to it
  // PyCodeObject.
  uint32_t file;
  uint32_t function;
  uint32_t first_line;
  uint32_t line_table;
  LineTable line_table_is;
  uint32_t bytecode;         // with Instruction::kPointer, else a pointer to a bytes object that has it
  uint32_t exception_table;  // from 3.11
  uint32_t local_count;      // from 3.11: of all local variables, closures included; before: co_nlocals
  uint32_t local_names;      // from 3.11: of all of them; before: co_varnames
  uint32_t cell_names;       // to 3.10: co_cellvars and co_freevars, which come after
  uint32_t free_names;
  uint32_t stack_size;
  // PyUnicodeObject: where the characters stand, ASCII and other.
  uint32_t ascii;
  uint32_t compact;
  // How an object of a class has its attributes.
  Attributes attributes_are;
  uint32_t cached_keys;  // PyHeapTypeObject.ht_cached_keys; from 3.11
  // Operations of the bytecode (opcode.opmap). SETUP_WITH where its argument is none of a call's (to 3.10),
  // and CALL_FUNCTION_EX, whose arguments come in collections; 0: not known.
  uint8_t with;
  uint8_t call_with_collections;
};

// Owners of a frame from here on stand for frames without Python code (EntryMark::kShell).
inline constexpr uint8_t kFirstShellOwner = 3;

// One group a line, so that versions can be compared.
// clang-format off
inline constexpr Layout kLayouts[] = {
    {.minor = 8, .interpreters = 32, .next_interpreter = 0, .threads = 8,
     .frame = 24, .by_cframe = false, .cframe_frame = 0, .thread_id = 176, .native_id = 0,
     .previous = 24, .code = 32, .instruction = 104, .instruction_is = Instruction::kBytes,
     .entry_mark = EntryMark::kEach, .entry = 0, .locals = 360, .globals = 48,
     .block_count = 112, .blocks = 120, .value_stack = 64,
     .file = 104, .function = 112, .first_line = 40, .line_table = 120, .line_table_is = LineTable::kDeltas,
     .bytecode = 48, .exception_table = 0, .local_count = 28,
     .local_names = 72, .cell_names = 88, .free_names = 80, .stack_size = 32,
     .ascii = 48, .compact = 72, .attributes_are = Attributes::kDict, .cached_keys = 0,
     .with = 143, .call_with_collections = 142},
    {.minor = 9, .interpreters = 32, .next_interpreter = 0, .threads = 8,
     .frame = 24, .by_cframe = false, .cframe_frame = 0, .thread_id = 176, .native_id = 0,
     .previous = 24, .code = 32, .instruction = 104, .instruction_is = Instruction::kBytes,
     .entry_mark = EntryMark::kEach, .entry = 0, .locals = 360, .globals = 48,
     .block_count = 112, .blocks = 120, .value_stack = 64,
     .file = 104, .function = 112, .first_line = 40, .line_table = 120, .line_table_is = LineTable::kDeltas,
     .bytecode = 48, .exception_table = 0, .local_count = 28,
     .local_names = 72, .cell_names = 88, .free_names = 80, .stack_size = 32,
     .ascii = 48, .compact = 72, .attributes_are = Attributes::kDict, .cached_keys = 0,
     .with = 143, .call_with_collections = 142},
    {.minor = 10, .interpreters = 32, .next_interpreter = 0, .threads = 8,
     .frame = 24, .by_cframe = false, .cframe_frame = 0, .thread_id = 176, .native_id = 0,
     .previous = 24, .code = 32, .instruction = 96, .instruction_is = Instruction::kUnits,
     .entry_mark = EntryMark::kEach, .entry = 0, .locals = 352, .globals = 48,
     .block_count = 104, .blocks = 112, .value_stack = 64,
     .file = 104, .function = 112, .first_line = 40, .line_table = 120, .line_table_is = LineTable::kRanges,
     .bytecode = 48, .exception_table = 0, .local_count = 28,
     .local_names = 72, .cell_names = 88, .free_names = 80, .stack_size = 32,
     .ascii = 48, .compact = 72, .attributes_are = Attributes::kDict, .cached_keys = 0,
     .with = 143, .call_with_collections = 142},
    {.minor = 11, .interpreters = 40, .next_interpreter = 0, .threads = 16,
     .frame = 56, .by_cframe = true, .cframe_frame = 8, .thread_id = 152, .native_id = 160,
     .previous = 48, .code = 32, .instruction = 56, .instruction_is = Instruction::kPointer,
     .entry_mark = EntryMark::kFlag, .entry = 68, .locals = 72, .globals = 8,
     .block_count = 0, .blocks = 0, .value_stack = 0,
     .file = 112, .function = 128, .first_line = 72, .line_table = 136, .line_table_is = LineTable::kLocations,
     .bytecode = 184, .exception_table = 40, .local_count = 76,
     .local_names = 96, .cell_names = 0, .free_names = 0, .stack_size = 68,
     .ascii = 48, .compact = 72, .attributes_are = Attributes::kPointer, .cached_keys = 872,
     .with = 0, .call_with_collections = 142},
    {.minor = 12, .interpreters = 40, .next_interpreter = 0, .threads = 72,
     .frame = 56, .by_cframe = true, .cframe_frame = 0, .thread_id = 136, .native_id = 144,
     .previous = 8, .code = 0, .instruction = 56, .instruction_is = Instruction::kPointer,
     .entry_mark = EntryMark::kShell, .entry = 70, .locals = 72, .globals = 24,
     .block_count = 0, .blocks = 0, .value_stack = 0,
     .file = 112, .function = 128, .first_line = 68, .line_table = 136, .line_table_is = LineTable::kLocations,
     .bytecode = 192, .exception_table = 40, .local_count = 72,
     .local_names = 96, .cell_names = 0, .free_names = 0, .stack_size = 64,
     .ascii = 40, .compact = 56, .attributes_are = Attributes::kTagged, .cached_keys = 880,
     .with = 0, .call_with_collections = 142},
    {.minor = 13, .interpreters = 632, .next_interpreter = 7264, .threads = 7344,
     .frame = 72, .by_cframe = false, .cframe_frame = 0, .thread_id = 152, .native_id = 160,
     .previous = 8, .code = 0, .instruction = 56, .instruction_is = Instruction::kPointer,
     .entry_mark = EntryMark::kShell, .entry = 70, .locals = 72, .globals = 24,
     .block_count = 0, .blocks = 0, .value_stack = 0,
     .file = 112, .function = 128, .first_line = 68, .line_table = 136, .line_table_is = LineTable::kLocations,
     .bytecode = 200, .exception_table = 40, .local_count = 72,
     .local_names = 96, .cell_names = 0, .free_names = 0, .stack_size = 64,
     .ascii = 40, .compact = 56, .attributes_are = Attributes::kInline, .cached_keys = 880,
     .with = 0, .call_with_collections = 54},
    {.minor = 14, .interpreters = 808, .next_interpreter = 7272, .threads = 7344,
     .frame = 72, .by_cframe = false, .cframe_frame = 0, .thread_id = 152, .native_id = 160,
     .previous = 8, .code = 0, .instruction = 56, .instruction_is = Instruction::kPointer,
     .entry_mark = EntryMark::kShell, .entry = 74, .locals = 80, .globals = 24,
     .block_count = 0, .blocks = 0, .value_stack = 0,
     .file = 112, .function = 128, .first_line = 68, .line_table = 136, .line_table_is = LineTable::kLocations,
     .bytecode = 208, .exception_table = 40, .local_count = 72,
     .local_names = 96, .cell_names = 0, .free_names = 0, .stack_size = 64,
     .ascii = 40, .compact = 56, .attributes_are = Attributes::kInline, .cached_keys = 880,
     .with = 0, .call_with_collections = 0},
    {.minor = 15, .interpreters = 936, .next_interpreter = 7264, .threads = 7336,
     .frame = 72, .by_cframe = false, .cframe_frame = 0, .thread_id = 176, .native_id = 184,
     .previous = 8, .code = 0, .instruction = 56, .instruction_is = Instruction::kPointer,
     .entry_mark = EntryMark::kShell, .entry = 74, .locals = 80, .globals = 24,
     .block_count = 0, .blocks = 0, .value_stack = 0,
     .file = 112, .function = 128, .first_line = 68, .line_table = 136, .line_table_is = LineTable::kLocations,
     .bytecode = 208, .exception_table = 40, .local_count = 72,
     .local_names = 96, .cell_names = 0, .free_names = 0, .stack_size = 64,
     .ascii = 40, .compact = 56, .attributes_are = Attributes::kInline, .cached_keys = 888,
     .with = 0, .call_with_collections = 0},
};
// clang-format on

// nullptr: no row.
constexpr const Layout* FindLayout(int minor) {
  for (const Layout& layout : kLayouts) {
    if (layout.minor == minor) {
      return &layout;
    }
  }
  return nullptr;
}

}  // namespace gordian::python

#endif  // GORDIAN_LIBSYNC_PYTHON_LAYOUT_H_
