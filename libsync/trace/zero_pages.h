// Memory that reads as zero and costs nothing until it is written: for tables as long as a sparse trace file.
//
// Thread safety: none of its own.
#ifndef GORDIAN_LIBSYNC_TRACE_ZERO_PAGES_H_
#define GORDIAN_LIBSYNC_TRACE_ZERO_PAGES_H_

#include <sys/mman.h>

#include <cstddef>
#include <utility>

namespace gordian::trace {

class ZeroPages {
 public:
  ZeroPages() = default;
  // On failure valid() is false and size() is 0.
  explicit ZeroPages(size_t bytes) {
    if (bytes == 0) {
      return;
    }
    void* pages =
        mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (pages != MAP_FAILED) {
      data_ = static_cast<char*>(pages);
      size_ = bytes;
    }
  }
  ZeroPages(ZeroPages&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  ZeroPages& operator=(ZeroPages&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~ZeroPages() {
    if (data_ != nullptr) {
      munmap(data_, size_);
    }
  }

  bool valid() const { return data_ != nullptr; }
  char* data() { return data_; }
  const char* data() const { return data_; }
  size_t size() const { return size_; }

 private:
  char* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace gordian::trace

#endif  // GORDIAN_LIBSYNC_TRACE_ZERO_PAGES_H_
