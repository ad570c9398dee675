// How processes are called in reports.
#include "cli/watch/process_id.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include "libsync/inspect/proc.h"
#include "tests/support/child_process.h"

namespace gordian::cli {
namespace {

// As setproctitle does, in the memory of the arguments, which the kernel names in /proc/self/stat.
void WriteTitle(const char* title, char filling) {
  std::ifstream file("/proc/self/stat");
  std::string line((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  std::istringstream rest(line.substr(line.rfind(')') + 2));
  const std::vector<std::string> fields((std::istream_iterator<std::string>(rest)),
                                        std::istream_iterator<std::string>());
  auto* start = reinterpret_cast<char*>(std::stoull(fields.at(48 - 3)));
  auto* end = reinterpret_cast<char*>(std::stoull(fields.at(49 - 3)));
  std::fill(start, end - 1, filling);
  memcpy(start, title, strlen(title));
}

TEST(ProcessIdTest, AWrittenTitleEndsWhereItsTextEnds) {
  for (const char filling : {'\0', ' '}) {
    Pipe ready;
    Pipe unused;
    ChildProcess child([&] {
      WriteTitle("a title", filling);
      write(ready.write_end(), "", 1);
      char byte;
      read(unused.read_end(), &byte, 1);
    });
    char byte;
    ASSERT_EQ(read(ready.read_end(), &byte, 1), 1);
    const auto stat = inspect::ReadStat(child.pid());
    ASSERT_TRUE(stat);
    EXPECT_EQ(CommandLine(*stat), "a title") << static_cast<int>(filling);
  }
}

}  // namespace
}  // namespace gordian::cli
