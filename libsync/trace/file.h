// Opens and reads files that another process may be writing, or may have prepared to harm the reader.
//
// Thread safety: a SafeFile may be read by several threads at once.
#ifndef GORDIAN_LIBSYNC_TRACE_FILE_H_
#define GORDIAN_LIBSYNC_TRACE_FILE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace gordian::trace {

class SafeFile {
 public:
  // Refuses symbolic links, anything but regular files (without blocking on a FIFO), and files of another
  // owner than the caller unless `any_owner`.
  static std::optional<SafeFile> Open(const std::string& path, bool any_owner, std::string* why);

  SafeFile(SafeFile&& other) noexcept;
  SafeFile& operator=(SafeFile&& other) noexcept;
  ~SafeFile();

  // Bytes at the time of opening.
  uint64_t size() const { return size_; }

  // Reads up to `bytes` at `offset` with pread; short only at the end of the file or on an error.
  size_t ReadAt(uint64_t offset, void* to, size_t bytes) const;

 private:
  SafeFile(int fd, uint64_t size) : fd_(fd), size_(size) {}

  int fd_;
  uint64_t size_;
};

}  // namespace gordian::trace

#endif  // GORDIAN_LIBSYNC_TRACE_FILE_H_
