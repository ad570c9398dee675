#include "cli/message.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace gordian::cli {

void Message(const std::string& text) {
  std::string line = "gordian: " + text + "\n";
  // Nobody is left to be told when stderr is closed.
  [[maybe_unused]] ssize_t written = write(STDERR_FILENO, line.data(), line.size());
}

std::string ErrnoText(const std::string& subject) { return subject + ": " + std::strerror(errno); }

}  // namespace gordian::cli
