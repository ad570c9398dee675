// Where CPython keeps what: one row for each minor version, x86-64. What is in no row is not guessed.
//
// The offsets are those of each version's own headers (Include/internal/pycore_runtime.h, pycore_interp.h,
// pycore_frame.h, cpython/code.h, cpython/pystate.h), compiled; a minor version does not change them.
//
// Thread safety: constants.
#ifndef GORDIAN_LIBSYNC_INSPECT_PYTHON_LAYOUT_H_
#define GORDIAN_LIBSYNC_INSPECT_PYTHON_LAYOUT_H_

#include <cstdint>

namespace gordian::inspect::python {

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
  uint32_t bytecode;         // with Instruction::kPointer
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
};

// Owners of a frame from here on stand for frames without Python code (EntryMark::kShell).
inline constexpr uint8_t kFirstShellOwner = 3;

// nullptr: no row.
const Layout* FindLayout(int minor);

}  // namespace gordian::inspect::python

#endif  // GORDIAN_LIBSYNC_INSPECT_PYTHON_LAYOUT_H_
