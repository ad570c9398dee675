// What a thread waits for at a futex of which nobody says what it is: the function of the C++ library, or of
// another runtime, that waits there, and the variable.
//
// Thread safety: none, as the symbolizer's.
#ifndef GORDIAN_REPORTS_FUTEX_TEXT_H_
#define GORDIAN_REPORTS_FUTEX_TEXT_H_

#include <cstdint>
#include <string>

#include "libsync/trace/run.h"
#include "reports/symbolizer.h"

namespace gordian::report {

// The static variable of the program that `address` lies in, or "".
std::string VariableAt(const trace::Process& process, uint64_t address, Symbolizer* symbolizer);

// The function of the C++ library that the program called and that waits: "std::latch::wait()"; or "".
std::string StandardWait(const trace::Process& process, const trace::Wait& wait, Symbolizer* symbolizer);

// "std::latch::wait() for started", "futex for state"; "futex" where neither is known.
// REQUIRES: a wait of kind kFutex.
std::string FutexText(const trace::Process& process, const trace::Wait& wait, Symbolizer* symbolizer);

}  // namespace gordian::report

#endif  // GORDIAN_REPORTS_FUTEX_TEXT_H_
