#include "libsync/inspect/memory.h"

#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

namespace gordian::inspect {
namespace {

constexpr uint64_t kPage = 4096;

}  // namespace

ProcessMemory::~ProcessMemory() {
  if (file_ >= 0) {
    close(file_);
  }
}

// One piece a page: the kernel reads whole pieces only, and the page behind the last one may not be there.
size_t ProcessMemory::Read(uint64_t address, void* to, size_t bytes) const {
  if (forbidden_) {
    return ReadFile(address, to, bytes);
  }
  constexpr size_t most_pieces = 64;
  size_t got = 0;
  while (got < bytes) {
    iovec pieces[most_pieces];
    size_t count = 0;
    size_t asked = 0;
    while (count < most_pieces && got + asked < bytes) {
      const uint64_t from = address + got + asked;
      const size_t piece = std::min<size_t>(kPage - from % kPage, bytes - got - asked);
      pieces[count++] = {reinterpret_cast<void*>(from), piece};
      asked += piece;
    }
    iovec here{static_cast<char*>(to) + got, asked};
    const ssize_t read = process_vm_readv(pid_, &here, 1, pieces, count, 0);
    if (read < 0 && got == 0 && (errno == EPERM || errno == ENOSYS)) {
      forbidden_ = true;
      file_ = open(("/proc/" + std::to_string(pid_) + "/mem").c_str(), O_RDONLY | O_CLOEXEC);
      return ReadFile(address, to, bytes);
    }
    if (read <= 0) {
      break;
    }
    got += static_cast<size_t>(read);
    if (static_cast<size_t>(read) < asked) {
      break;
    }
  }
  return got;
}

size_t ProcessMemory::ReadFile(uint64_t address, void* to, size_t bytes) const {
  size_t got = 0;
  while (got < bytes) {
    const ssize_t read =
        pread(file_, static_cast<char*>(to) + got, bytes - got, static_cast<off_t>(address + got));
    if (read <= 0) {
      break;
    }
    got += static_cast<size_t>(read);
  }
  return got;
}

MemoryWindow::MemoryWindow(const Memory* memory, uint64_t start, size_t bytes)
    : memory_(memory), start_(start), bytes_(bytes) {
  bytes_.resize(memory_->Read(start, bytes_.data(), bytes_.size()));
}

std::optional<uint64_t> MemoryWindow::Word(uint64_t address) const {
  if (address < start_ || address - start_ + sizeof(uint64_t) > bytes_.size()) {
    return memory_->Get<uint64_t>(address);
  }
  uint64_t word = 0;
  std::memcpy(&word, bytes_.data() + (address - start_), sizeof(word));
  return word;
}

}  // namespace gordian::inspect
