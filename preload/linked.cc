#include "preload/linked.h"

#include <link.h>
#include <stdlib.h>
#include <string.h>

#include "libsync/include/libsync/annotate.h"
#include "libsync/record/text.h"
#include "preload/options.h"

extern "C" const char* gordian_default_options(void) __attribute__((weak));

namespace gordian::preload {
namespace {

constexpr const char* kShimName = "libgordian_preload.so";

// The dynamic section of the program itself, whose pointers the loader has relocated in place.
bool IsNeeded(const link_map* program, const char* library) {
  const char* strings = nullptr;
  for (const ElfW(Dyn)* entry = program->l_ld; entry->d_tag != DT_NULL; ++entry) {
    if (entry->d_tag == DT_STRTAB) {
      strings = reinterpret_cast<const char*>(entry->d_un.d_ptr);
    }
  }
  for (const ElfW(Dyn)* entry = program->l_ld; strings != nullptr && entry->d_tag != DT_NULL; ++entry) {
    if (entry->d_tag == DT_NEEDED && strcmp(strings + entry->d_un.d_val, library) == 0) {
      return true;
    }
  }
  return false;
}

}  // namespace

bool IsLinked() {
  const char* preloaded = getenv("LD_PRELOAD");
  return (preloaded == nullptr || strstr(preloaded, kShimName) == nullptr) &&
         IsNeeded(_r_debug.r_map, kShimName);
}

const char* ReadOptions() {
  const char* given = getenv(kOptionsVariable);
  const bool asked = given != nullptr && given[0] != '\0';
  const char* defaults = gordian_default_options != nullptr ? gordian_default_options() : nullptr;
  size_t ignored = 0;
  if (!asked && FindOption(defaults, "watch", &ignored) == nullptr && IsLinked()) {
    return nullptr;
  }
  if (defaults == nullptr || defaults[0] == '\0') {
    return asked ? given : "";
  }
  static record::TextBuffer both;
  both.Clear();
  both.Append(asked ? given : "");
  both.Append(asked ? ":" : "");
  both.Append(defaults);
  return both.text();
}

}  // namespace gordian::preload
