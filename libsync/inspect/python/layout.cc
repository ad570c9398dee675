#include "libsync/inspect/python/layout.h"

#include <algorithm>
#include <iterator>

namespace gordian::inspect::python {
namespace {

// One group a line, so that versions can be compared.
// clang-format off
constexpr Layout kLayouts[] = {
    {.minor = 8, .interpreters = 32, .next_interpreter = 0, .threads = 8,
     .frame = 24, .by_cframe = false, .cframe_frame = 0, .thread_id = 176, .native_id = 0,
     .previous = 24, .code = 32, .instruction = 104, .instruction_is = Instruction::kBytes,
     .entry_mark = EntryMark::kEach, .entry = 0, .locals = 360, .globals = 48,
     .block_count = 112, .blocks = 120, .value_stack = 64,
     .file = 104, .function = 112, .first_line = 40, .line_table = 120, .line_table_is = LineTable::kDeltas,
     .bytecode = 0, .exception_table = 0, .local_count = 28,
     .local_names = 72, .cell_names = 88, .free_names = 80, .stack_size = 32,
     .ascii = 48, .compact = 72, .attributes_are = Attributes::kDict, .cached_keys = 0},
    {.minor = 9, .interpreters = 32, .next_interpreter = 0, .threads = 8,
     .frame = 24, .by_cframe = false, .cframe_frame = 0, .thread_id = 176, .native_id = 0,
     .previous = 24, .code = 32, .instruction = 104, .instruction_is = Instruction::kBytes,
     .entry_mark = EntryMark::kEach, .entry = 0, .locals = 360, .globals = 48,
     .block_count = 112, .blocks = 120, .value_stack = 64,
     .file = 104, .function = 112, .first_line = 40, .line_table = 120, .line_table_is = LineTable::kDeltas,
     .bytecode = 0, .exception_table = 0, .local_count = 28,
     .local_names = 72, .cell_names = 88, .free_names = 80, .stack_size = 32,
     .ascii = 48, .compact = 72, .attributes_are = Attributes::kDict, .cached_keys = 0},
    {.minor = 10, .interpreters = 32, .next_interpreter = 0, .threads = 8,
     .frame = 24, .by_cframe = false, .cframe_frame = 0, .thread_id = 176, .native_id = 0,
     .previous = 24, .code = 32, .instruction = 96, .instruction_is = Instruction::kUnits,
     .entry_mark = EntryMark::kEach, .entry = 0, .locals = 352, .globals = 48,
     .block_count = 104, .blocks = 112, .value_stack = 64,
     .file = 104, .function = 112, .first_line = 40, .line_table = 120, .line_table_is = LineTable::kRanges,
     .bytecode = 0, .exception_table = 0, .local_count = 28,
     .local_names = 72, .cell_names = 88, .free_names = 80, .stack_size = 32,
     .ascii = 48, .compact = 72, .attributes_are = Attributes::kDict, .cached_keys = 0},
    {.minor = 11, .interpreters = 40, .next_interpreter = 0, .threads = 16,
     .frame = 56, .by_cframe = true, .cframe_frame = 8, .thread_id = 152, .native_id = 160,
     .previous = 48, .code = 32, .instruction = 56, .instruction_is = Instruction::kPointer,
     .entry_mark = EntryMark::kFlag, .entry = 68, .locals = 72, .globals = 8,
     .block_count = 0, .blocks = 0, .value_stack = 0,
     .file = 112, .function = 128, .first_line = 72, .line_table = 136, .line_table_is = LineTable::kLocations,
     .bytecode = 184, .exception_table = 40, .local_count = 76,
     .local_names = 96, .cell_names = 0, .free_names = 0, .stack_size = 68,
     .ascii = 48, .compact = 72, .attributes_are = Attributes::kPointer, .cached_keys = 872},
    {.minor = 12, .interpreters = 40, .next_interpreter = 0, .threads = 72,
     .frame = 56, .by_cframe = true, .cframe_frame = 0, .thread_id = 136, .native_id = 144,
     .previous = 8, .code = 0, .instruction = 56, .instruction_is = Instruction::kPointer,
     .entry_mark = EntryMark::kShell, .entry = 70, .locals = 72, .globals = 24,
     .block_count = 0, .blocks = 0, .value_stack = 0,
     .file = 112, .function = 128, .first_line = 68, .line_table = 136, .line_table_is = LineTable::kLocations,
     .bytecode = 192, .exception_table = 40, .local_count = 72,
     .local_names = 96, .cell_names = 0, .free_names = 0, .stack_size = 64,
     .ascii = 40, .compact = 56, .attributes_are = Attributes::kTagged, .cached_keys = 880},
    {.minor = 13, .interpreters = 632, .next_interpreter = 7264, .threads = 7344,
     .frame = 72, .by_cframe = false, .cframe_frame = 0, .thread_id = 152, .native_id = 160,
     .previous = 8, .code = 0, .instruction = 56, .instruction_is = Instruction::kPointer,
     .entry_mark = EntryMark::kShell, .entry = 70, .locals = 72, .globals = 24,
     .block_count = 0, .blocks = 0, .value_stack = 0,
     .file = 112, .function = 128, .first_line = 68, .line_table = 136, .line_table_is = LineTable::kLocations,
     .bytecode = 200, .exception_table = 40, .local_count = 72,
     .local_names = 96, .cell_names = 0, .free_names = 0, .stack_size = 64,
     .ascii = 40, .compact = 56, .attributes_are = Attributes::kInline, .cached_keys = 880},
    {.minor = 14, .interpreters = 808, .next_interpreter = 7272, .threads = 7344,
     .frame = 72, .by_cframe = false, .cframe_frame = 0, .thread_id = 152, .native_id = 160,
     .previous = 8, .code = 0, .instruction = 56, .instruction_is = Instruction::kPointer,
     .entry_mark = EntryMark::kShell, .entry = 74, .locals = 80, .globals = 24,
     .block_count = 0, .blocks = 0, .value_stack = 0,
     .file = 112, .function = 128, .first_line = 68, .line_table = 136, .line_table_is = LineTable::kLocations,
     .bytecode = 208, .exception_table = 40, .local_count = 72,
     .local_names = 96, .cell_names = 0, .free_names = 0, .stack_size = 64,
     .ascii = 40, .compact = 56, .attributes_are = Attributes::kInline, .cached_keys = 880},
    {.minor = 15, .interpreters = 936, .next_interpreter = 7264, .threads = 7336,
     .frame = 72, .by_cframe = false, .cframe_frame = 0, .thread_id = 176, .native_id = 184,
     .previous = 8, .code = 0, .instruction = 56, .instruction_is = Instruction::kPointer,
     .entry_mark = EntryMark::kShell, .entry = 74, .locals = 80, .globals = 24,
     .block_count = 0, .blocks = 0, .value_stack = 0,
     .file = 112, .function = 128, .first_line = 68, .line_table = 136, .line_table_is = LineTable::kLocations,
     .bytecode = 208, .exception_table = 40, .local_count = 72,
     .local_names = 96, .cell_names = 0, .free_names = 0, .stack_size = 64,
     .ascii = 40, .compact = 56, .attributes_are = Attributes::kInline, .cached_keys = 888},
};
// clang-format on

}  // namespace

const Layout* FindLayout(int minor) {
  const auto* found = std::find_if(std::begin(kLayouts), std::end(kLayouts),
                                   [minor](const Layout& layout) { return layout.minor == minor; });
  return found == std::end(kLayouts) ? nullptr : found;
}

}  // namespace gordian::inspect::python
