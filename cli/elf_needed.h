// The shared objects that an ELF file asks for (DT_NEEDED).
#ifndef GORDIAN_CLI_ELF_NEEDED_H_
#define GORDIAN_CLI_ELF_NEEDED_H_

#include <string>
#include <vector>

namespace gordian::cli {

// Sonames in the order of the file; empty when it is no 64-bit dynamic ELF file or cannot be read.
std::vector<std::string> ElfNeeded(const std::string& path);

}  // namespace gordian::cli

#endif  // GORDIAN_CLI_ELF_NEEDED_H_
