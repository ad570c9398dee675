#include "libsync/analyze/content.h"

#include "absl/strings/str_cat.h"
#include "libsync/analyze/lookup.h"

namespace gordian::analyze {
namespace {

uint64_t Key(trace::Index process, trace::Index index) {
  return (static_cast<uint64_t>(static_cast<uint32_t>(process)) << 32) | static_cast<uint32_t>(index);
}

}  // namespace

std::string Content::Frame(const trace::Process& process, const trace::Frame& frame) const {
  const trace::Module* module = At(process.modules, frame.module);
  return absl::StrCat(module != nullptr ? module->path : "", "+", absl::Hex(frame.offset), ";");
}

const std::string& Content::Stack(trace::Index process, trace::Index stack) {
  const auto [found, is_new] = stacks_.try_emplace(Key(process, stack));
  const trace::Process* image = At(run_.processes, process);
  const trace::Stack* frames = image != nullptr ? At(image->stacks, stack) : nullptr;
  if (is_new && frames != nullptr) {
    for (const trace::Frame& frame : frames->frames) {
      absl::StrAppend(&found->second, Frame(*image, frame));
    }
  }
  return found->second;
}

const std::string& Content::LockClass(trace::Index process, trace::Index index) {
  const auto [found, is_new] = classes_.try_emplace(Key(process, index));
  const trace::Process* image = At(run_.processes, process);
  const trace::Lock* lock = image != nullptr ? At(image->locks, index) : nullptr;
  if (!is_new || lock == nullptr) {
    return found->second;
  }
  if (!lock->name.empty() && !IsFileLock(*lock)) {  // a path names an instance
    found->second = absl::StrCat("name:", lock->name);
  } else if (lock->place.module != trace::kNoIndex) {
    found->second = absl::StrCat("place:", Frame(*image, lock->place));
  } else if (!Stack(process, lock->create_stack).empty()) {
    found->second = absl::StrCat("created:", Stack(process, lock->create_stack));
  } else if (!Stack(process, lock->first_stack).empty()) {
    found->second = absl::StrCat("first:", Stack(process, lock->first_stack));
  } else {
    found->second = absl::StrCat("instance:", process, ":", index);
  }
  return found->second;
}

}  // namespace gordian::analyze
