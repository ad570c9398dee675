#include "libsync/trace/interpreters.h"

#include <algorithm>
#include <cstddef>

namespace gordian::trace {
namespace {

// What may follow `name` in a file name for it to be the runtime.
enum class Rest { kNothing, kVersion, kAnything };

struct Runtime {
  std::string_view name;
  Rest rest;
};

constexpr Runtime kRuntimes[] = {
    // CPython. "python3-config" and the like are scripts, "pythonqt" is somebody else's.
    {"python", Rest::kNothing},
    {"python2", Rest::kVersion},
    {"python3", Rest::kVersion},
    {"libpython", Rest::kAnything},
    // HotSpot. Its VM thread takes Threads_lock for the last safepoint and ends with it, on purpose
    // (vmThread.cpp).
    {"libjvm.so", Rest::kNothing},
};

bool MayFollow(Rest rest, std::string_view text) {
  switch (rest) {
    case Rest::kNothing:
      return text.empty();
    case Rest::kVersion:
      return text.empty() || text[0] == '.' || (text[0] >= '0' && text[0] <= '9');
    case Rest::kAnything:
      return true;
  }
  return false;
}

}  // namespace

bool IsInterpreter(std::string_view module_path) {
  const std::string_view name = module_path.substr(module_path.rfind('/') + 1);
  for (const Runtime& runtime : kRuntimes) {
    if (name.starts_with(runtime.name) && MayFollow(runtime.rest, name.substr(runtime.name.size()))) {
      return true;
    }
  }
  return false;
}

bool IsPythonLibrary(std::string_view file) {
  constexpr std::string_view folder = "/lib/python3.";
  const size_t at = file.find(folder);
  if (at == std::string_view::npos) {
    return file.starts_with("<frozen ");
  }
  std::string_view rest = file.substr(at + folder.size());
  rest.remove_prefix(std::min(rest.find_first_not_of("0123456789"), rest.size()));
  return rest.starts_with("/") && !rest.starts_with("/site-packages/") &&
         !rest.starts_with("/dist-packages/");
}

}  // namespace gordian::trace
