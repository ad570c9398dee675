// Names of functions and variables as people write them.
//
// Everything a Report says about a function goes through here, so that one function has one spelling whether
// its name came from an ELF symbol, from DWARF with a linkage name, or from DWARF without one.
// Thread safety: pure functions.
#ifndef GORDIAN_REPORTS_DEMANGLE_H_
#define GORDIAN_REPORTS_DEMANGLE_H_

#include <string>
#include <string_view>

namespace gordian::report {

// The C++ name behind an ELF symbol, in the form of WithoutParameters; a C name without the suffixes that
// compilers add to clones and local statics (".isra.0", ".part.1", ".cold", ".2345").
std::string ReadableName(const std::string& symbol);

// "void ns::Foo<int>::Bar(char) const" -> "ns::Foo<int>::Bar"; "f(int)::mu" -> "f::mu". The call operator
// of a lambda is spelled "f::{lambda}" however the compiler numbers or names it: its line tells it apart.
std::string WithoutParameters(std::string_view demangled);

// "ns::Foo<int>::Bar" -> "ns::Foo::Bar": what a fingerprint sees.
std::string WithoutTemplateArguments(std::string_view name);

}  // namespace gordian::report

#endif  // GORDIAN_REPORTS_DEMANGLE_H_
