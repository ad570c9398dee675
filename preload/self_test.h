// Proves at start-up what the recorder believes about the running libc (libsync/record/libc_facts.h).
#ifndef GORDIAN_PRELOAD_SELF_TEST_H_
#define GORDIAN_PRELOAD_SELF_TEST_H_

namespace gordian::preload {

// A tag in a mutex survives locking, unlocking, trying and waiting, and is wiped by init. Uses the real
// functions, on objects of its own.
bool TagsWork();

// A condition says of itself whether it is shared between processes, and when it is destroyed.
bool ConditionsAreAsKnown();

}  // namespace gordian::preload

#endif  // GORDIAN_PRELOAD_SELF_TEST_H_
