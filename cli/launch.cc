#include "cli/launch.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "cli/file_util.h"
#include "libsync/inspect/descriptors.h"

namespace gordian::cli {
namespace {

std::vector<char*> Pointers(const std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  pointers.reserve(strings.size() + 1);
  for (const std::string& string : strings) {
    pointers.push_back(const_cast<char*>(string.c_str()));
  }
  pointers.push_back(nullptr);
  return pointers;
}

// A pipe that closes when exec succeeds and tells errno when it does not.
int ReadExecError(int fd) {
  int error = 0;
  ssize_t n = -1;
  do {
    n = read(fd, &error, sizeof(error));
  } while (n < 0 && errno == EINTR);
  close(fd);
  return n == sizeof(error) ? error : 0;
}

}  // namespace

Launched Launch(const std::vector<std::string>& command,
                const std::function<std::vector<std::string>()>& environment,
                const InheritedSignals& signals) {
  Launched launched;
  int status[2];
  if (pipe2(status, O_CLOEXEC) != 0) {
    launched.exec_error = errno;
    return launched;
  }
  launched.pid = fork();
  if (launched.pid == 0) {
    std::vector<std::string> strings = environment();
    std::vector<char*> arguments = Pointers(command);
    std::vector<char*> variables = Pointers(strings);
    signals.Restore();
    execvpe(arguments[0], arguments.data(), variables.data());
    int error = errno;
    if (write(status[1], &error, sizeof(error)) != sizeof(error)) {
      _exit(125);
    }
    _exit(0);
  }
  int fork_error = errno;
  close(status[1]);
  if (launched.pid < 0) {
    close(status[0]);
    launched.exec_error = fork_error;
    return launched;
  }
  launched.exec_error = ReadExecError(status[0]);
  if (launched.exec_error != 0) {
    waitpid(launched.pid, nullptr, 0);
    launched.pid = -1;
  }
  return launched;
}

InheritedDescriptors InheritedDescriptors::List() {
  InheritedDescriptors inherited;
  for (const std::string& name : ListNames("/proc/self/fd")) {
    int fd = std::atoi(name.c_str());
    if (fcntl(fd, F_GETFD) < 0) {
      continue;
    }
    inherited.targets_.insert(inspect::DescriptorTarget(getpid(), fd));
    if (fd > STDERR_FILENO) {
      inherited.descriptors_.push_back(fd);
    }
  }
  return inherited;
}

void InheritedDescriptors::Release() const {
  for (int fd : descriptors_) {
    close(fd);
  }
  int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null < 0) {
    return;
  }
  dup2(null, STDIN_FILENO);
  dup2(null, STDOUT_FILENO);
  if (null > STDERR_FILENO) {
    close(null);
  }
}

}  // namespace gordian::cli
