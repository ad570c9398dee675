#include "libsync/inspect/static_guards.h"

#include <array>
#include <cstddef>
#include <cstring>

namespace gordian::inspect {
namespace {

// Code further away than that from the call is not looked at.
constexpr uint64_t kCodeBytes = 4096;
// An instruction ends with its displacement, or with a constant of so many bytes behind it.
constexpr std::array<uint64_t, 3> kAfterDisplacement = {0, 1, 4};

bool RefersTo(uint64_t guard, uint64_t place, int32_t word) {
  const bool absolute = static_cast<uint32_t>(word) == guard;
  for (const uint64_t after : kAfterDisplacement) {
    if (absolute || place + sizeof(word) + after + static_cast<uint64_t>(int64_t{word}) == guard) {
      return true;
    }
  }
  return false;
}

// Whether the function that `code` lies in refers to the guard.
bool IsInUserOf(uint64_t guard, uint64_t code, const GuardSearch& search) {
  const std::string function = search.function_at(code);
  if (function.empty()) {
    return false;
  }
  const uint64_t start = code - kCodeBytes / 2;
  std::vector<uint8_t> bytes(kCodeBytes);
  bytes.resize(search.memory->Read(start, bytes.data(), bytes.size()));
  for (size_t i = 0; i + sizeof(int32_t) <= bytes.size(); ++i) {
    int32_t word = 0;
    std::memcpy(&word, bytes.data() + i, sizeof(word));
    if (RefersTo(guard, start + i, word) && search.function_at(start + i) == function) {
      return true;
    }
  }
  return false;
}

// Past the frame in which it waits for the guard.
size_t FirstFrame(const std::vector<uint64_t>& stack, bool waits_for_it, const GuardSearch& search) {
  for (size_t i = 0; waits_for_it && i < stack.size(); ++i) {
    if (search.function_at(stack[i] - (i > 0 ? 1 : 0)) == kGuardAcquire) {
      return i + 2;
    }
  }
  return 0;
}

}  // namespace

pid_t FindInitializer(uint64_t guard, const GuardSearch& search) {
  pid_t found = 0;
  for (const auto& [tid, stack] : *search.stacks) {
    bool uses = false;
    for (size_t i = FirstFrame(stack, search.waits_for_it(tid), search); i < stack.size() && !uses; ++i) {
      uses = IsInUserOf(guard, stack[i] - (i > 0 ? 1 : 0), search);
    }
    if (uses && found != 0) {
      return 0;
    }
    found = uses ? tid : found;
  }
  return found;
}

}  // namespace gordian::inspect
