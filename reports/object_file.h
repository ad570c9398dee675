// One ELF file with its symbols and debug information, its own or in a separate debug file.
//
// All addresses are those of the file, as addr2line takes them.
// Thread safety: none; one thread at a time.
#ifndef GORDIAN_REPORTS_OBJECT_FILE_H_
#define GORDIAN_REPORTS_OBJECT_FILE_H_

#include <elfutils/libdwfl.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "reports/dwarf_lookup.h"
#include "reports/dwarf_variables.h"
#include "reports/report.h"

namespace gordian::report {

class ObjectFile {
 public:
  // Opens the file at `path`, or, where that is gone or has another build-id, the debug file of `build_id` in
  // one of `debug_directories`. nullptr: neither can be had, and *why says so for people.
  static std::unique_ptr<ObjectFile> Open(const std::string& path, const std::string& build_id,
                                          const std::vector<std::string>& debug_directories,
                                          std::string* why);
  ~ObjectFile();
  ObjectFile(const ObjectFile&) = delete;
  ObjectFile& operator=(const ObjectFile&) = delete;

  // The frames at `address`, innermost inlined function first; empty when nothing is known. Module and offset
  // of a frame are left to the caller.
  Frames Lookup(uint64_t address);

  // See DwarfLookup::TailCalls.
  Frames TailCalls(uint64_t return_address, const std::string& callee);

  // What a signal's handler returns to. x86-64 code.
  bool IsSignalReturn(uint64_t address) const;

  // The bytes of the function at `address`, by its symbol; 0 where there is none.
  uint64_t FunctionSize(uint64_t address) const;

  // The variable at `address` ("g_cache", "g_server.mu_", "g_table+0x10"), or "".
  std::string DataName(uint64_t address);

 private:
  struct DataSymbol {
    uint64_t start;
    uint64_t size;
    std::string name;
  };

  ObjectFile() = default;
  bool Load(const std::string& path);
  static int FindDebugFile(Dwfl_Module* module, void** user_data, const char* module_name, Dwarf_Addr base,
                           const char* file, const char* link, GElf_Word crc, char** debug_file);
  std::string SymbolAt(uint64_t address) const;
  void ReadDataSymbols();

  std::string path_;
  std::string build_id_;
  std::vector<std::string> debug_directories_;
  Dwfl_Callbacks callbacks_{};
  Dwfl* dwfl_ = nullptr;
  Dwfl_Module* module_ = nullptr;
  std::unique_ptr<DwarfLookup> lookup_;
  std::unique_ptr<DwarfVariables> variables_;
  std::vector<DataSymbol> data_symbols_;  // by start
  bool data_symbols_read_ = false;
};

}  // namespace gordian::report

#endif  // GORDIAN_REPORTS_OBJECT_FILE_H_
