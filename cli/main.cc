// The gordian command.
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <exception>

#include "cli/command_line.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/signals.h"

namespace gordian::cli {
namespace {

// In the order of the help.
constexpr void (*kRegister[])(CommandParser*) = {
    RegisterRun,     RegisterReport,  RegisterCheck,      RegisterBaseline, RegisterDiff,
    RegisterConfirm, RegisterHunt,    RegisterAttach,     RegisterCore,     RegisterPs,
    RegisterDoctor,  RegisterExplain, RegisterCompletion, RegisterManual,   RegisterWatch};

int Main(int argc, char** argv) {
  CommandParser line;
  for (const auto add : kRegister) {
    add(&line);
  }
  return line.Run(argc, argv);
}

// Where gordian was started with one of 0, 1 and 2 closed, a file that it opens would become its standard
// output. The program that it runs finds them closed as they were.
void HoldStandardDescriptors() {
  int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
  while (fd >= 0 && fd <= STDERR_FILENO) {
    fd = open("/dev/null", O_RDWR | O_CLOEXEC);
  }
  if (fd >= 0) {
    close(fd);
  }
}

}  // namespace
}  // namespace gordian::cli

int main(int argc, char** argv) {
  gordian::cli::HoldStandardDescriptors();
  try {
    gordian::cli::RememberArguments(argc, argv);
    return gordian::cli::Main(argc, argv);
  } catch (const std::exception& failure) {
    // Out of memory, most likely. A program that runs already goes on.
    std::fprintf(stderr, "gordian: %s\n", failure.what());
    return gordian::cli::kExitGordian;
  }
}
