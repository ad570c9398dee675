// A core file: the memory, the registers and the mapped files of a process as it was when the core was
// written.
//
// Nothing in the file is believed to be whole or true; what leads outside of it is left out.
// Thread safety: none; one thread at a time.
#ifndef GORDIAN_LIBSYNC_INSPECT_CORE_FILE_H_
#define GORDIAN_LIBSYNC_INSPECT_CORE_FILE_H_

#include <sys/types.h>
#include <sys/user.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "libsync/inspect/address_space.h"
#include "libsync/inspect/memory.h"
#include "libsync/trace/file.h"

namespace gordian::inspect {

// Anybody's, and at the end of symbolic links, too.
std::optional<trace::SafeFile> OpenAnyFile(const std::string& path, std::string* why);

class CoreFile : public Memory {
 public:
  // nullopt, and `why` in a sentence: there is no such file, it is no core, not of this architecture, or cut
  // off.
  static std::optional<CoreFile> Open(const std::string& path, std::string* why);

  struct Thread {
    pid_t tid = 0;
    user_regs_struct registers{};
  };
  const std::vector<Thread>& threads() const { return threads_; }  // that of the signal first
  const std::vector<Mapping>& mappings() const { return mappings_; }
  pid_t pid() const { return pid_; }
  pid_t ppid() const { return ppid_; }
  int signal() const { return signal_; }  // that ended the process; 0: none did
  const std::string& name() const { return name_; }
  const std::string& command() const { return command_; }
  uint64_t program_headers() const {
    return program_headers_;
  }  // where those of the executable lay, 0 unknown

  // What the kernel leaves out of a core because it stands in a file: the stretches of this mapping are read
  // from there.
  void ReadFromFile(const Mapping& mapping, std::shared_ptr<const trace::SafeFile> file);

  size_t Read(uint64_t address, void* to, size_t bytes) const override;

 private:
  struct Piece {
    uint64_t start = 0;
    uint64_t bytes = 0;
    uint64_t offset = 0;
    bool executable = false;
  };
  struct FilePiece {
    Piece piece;
    std::shared_ptr<const trace::SafeFile> file;
  };

  CoreFile() = default;
  std::string ReadHeaders();
  void ReadNotes(const std::vector<uint8_t>& notes);
  void ReadMappedFiles(const std::vector<uint8_t>& note);
  void AddUnnamedMappings();
  size_t ReadPiece(uint64_t at, void* to, size_t bytes) const;

  std::optional<trace::SafeFile> file_;
  std::vector<Piece> pieces_;                  // of the core, by address
  std::vector<Piece> segments_;                // all that was mapped, in the core or not, by address
  std::map<uint64_t, FilePiece> file_pieces_;  // by their starts
  std::vector<Thread> threads_;
  std::vector<Mapping> mappings_;
  pid_t pid_ = 0;
  pid_t ppid_ = 0;
  int signal_ = 0;
  std::string name_;
  std::string command_;
  uint64_t program_headers_ = 0;
};

}  // namespace gordian::inspect

#endif  // GORDIAN_LIBSYNC_INSPECT_CORE_FILE_H_
