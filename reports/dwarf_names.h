// How DWARF entries are called: the qualified name of a function or variable, and paths of source files.
// Thread safety: as libdw, one thread at a time per Dwarf handle.
#ifndef GORDIAN_REPORTS_DWARF_NAMES_H_
#define GORDIAN_REPORTS_DWARF_NAMES_H_

#include <elfutils/libdw.h>

#include <string>

namespace gordian::report {

// The entry that stands where the source declares a function or variable, below its namespace or class: where
// abstract origins and specifications lead.
Dwarf_Die Declaration(Dwarf_Die die);

// The name of a function or variable in the spelling of ReadableName(); "" when DWARF has none. Follows
// abstract origins and specifications, so an inlined function has the name of the one out of line.
std::string QualifiedName(Dwarf_Die die);

// An attribute as an unsigned number, or 0.
uint64_t UnsignedAttribute(Dwarf_Die* die, unsigned int name);

// `file` made absolute by the unit's compilation directory, with "." and ".." folded.
std::string SourcePath(Dwarf_Die* unit, const char* file);

}  // namespace gordian::report

#endif  // GORDIAN_REPORTS_DWARF_NAMES_H_
