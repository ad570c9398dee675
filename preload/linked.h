// A shim that the program is linked with, instead of one that LD_PRELOAD put there: it is part of the
// program, and silent until it is asked.
#ifndef GORDIAN_PRELOAD_LINKED_H_
#define GORDIAN_PRELOAD_LINKED_H_

namespace gordian::preload {

// The program needs this library, and LD_PRELOAD does not name it.
bool IsLinked();

// The options in force: what stands in the environment, then what gordian_default_options() of the program
// says, so that the environment wins. Null: the shim is linked, and nobody asks for anything.
const char* ReadOptions();

}  // namespace gordian::preload

#endif  // GORDIAN_PRELOAD_LINKED_H_
