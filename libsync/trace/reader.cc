#include "libsync/trace/reader.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "libsync/trace/file.h"
#include "libsync/trace/parse.h"
#include "libsync/trace/zero_pages.h"

namespace gordian::trace {
namespace {

constexpr size_t kChunk = size_t{256} << 10;
constexpr size_t kPage = 4096;
// Trace files are sparse and far longer than what is in use. One is read so far, plus this for what is added
// meanwhile.
constexpr uint64_t kSlack = uint64_t{16} << 20;
constexpr size_t kSetFixedBytes = offsetof(HeldSetRecord, held);
// Of the boot id in a trace's name.
constexpr size_t kBootDigits = 8;

std::optional<FileHeader> ReadHeaderOf(const SafeFile& file, std::string* why) {
  char bytes[sizeof(FileHeader)];
  const size_t got = file.ReadAt(0, bytes, sizeof(bytes));
  return ParseHeader(std::string_view(bytes, got), why);
}

bool AllZero(const char* bytes, size_t count) {
  return count == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, count - 1) == 0);
}

// Copies a stretch of the file, leaving pages that hold nothing untouched: a sparse file costs no memory.
void Copy(const SafeFile& file, uint64_t from, uint64_t to, char* memory) {
  std::vector<char> chunk(std::min<uint64_t>(kChunk, to - from));
  while (from < to) {
    const size_t got = file.ReadAt(from, chunk.data(), std::min<uint64_t>(chunk.size(), to - from));
    if (got == 0) {
      return;
    }
    for (size_t at = 0; at < got; at += kPage) {
      const size_t bytes = std::min(kPage, got - at);
      if (!AllZero(chunk.data() + at, bytes)) {
        memcpy(memory + from + at, chunk.data() + at, bytes);
      }
    }
    from += got;
  }
}

// The number at the start of `text`, which loses it.
template <typename T>
std::optional<T> TakeNumber(std::string_view* text) {
  T number{};
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (error != std::errc()) {
    return std::nullopt;
  }
  text->remove_prefix(static_cast<size_t>(end - text->data()));
  return number;
}

// The pid in "<8 hex digits of the boot id>-<pid>-<start ticks>-<image>...".
std::optional<int32_t> PidOfName(std::string_view name) {
  if (name.size() <= kBootDigits || name[kBootDigits] != '-') {
    return std::nullopt;
  }
  name.remove_prefix(kBootDigits + 1);
  const std::optional<int32_t> pid = TakeNumber<int32_t>(&name);
  return pid && *pid > 0 && name.starts_with('-') ? pid : std::nullopt;
}

struct LostReason {
  std::string_view suffix;
  const char* text;
};
constexpr LostReason kLostReasons[] = {
    {".lost-space", "no space was left for its trace"},
    {".lost-limit", "its resource limits left no room for a trace"},
    {".lost-denied", "it was not allowed to create a trace"},
};

std::vector<std::string> FilesOf(const std::string& directory) {
  std::vector<std::string> names;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(directory, error), end; !error && entry != end;
       entry.increment(error)) {
    std::error_code ignored;
    if (entry->symlink_status(ignored).type() == std::filesystem::file_type::regular) {
      names.push_back(entry->path().filename().string());
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

bool Equal(const HeldEntry& left, const HeldEntry& right) {
  return left.lock == right.lock && left.stack == right.stack && left.acquisition == right.acquisition &&
         left.mode == right.mode && left.flags == right.flags && left.depth == right.depth;
}

std::vector<HeldEntry> ReadHoldings(const SafeFile& file, const SlotRecord& slot) {
  if (slot.held_overflow == 0) {
    return {slot.held, slot.held + std::min(slot.held_count, kInlineHeld)};
  }
  const uint64_t offset = uint64_t{slot.held_overflow} * kRecordAlign;
  HeldSetRecord set{};
  if (file.ReadAt(offset, &set, kSetFixedBytes) != kSetFixedBytes || set.prefix.committed != kCommitted ||
      set.prefix.type != static_cast<uint16_t>(Type::kHeldSet)) {
    return {};
  }
  const size_t bytes = size_t{set.prefix.units} * kRecordAlign;
  const size_t room = bytes < kSetFixedBytes ? 0 : (bytes - kSetFixedBytes) / sizeof(HeldEntry);
  std::vector<HeldEntry> held(std::min<size_t>(slot.held_count, room));
  const size_t got = file.ReadAt(offset + kSetFixedBytes, held.data(), held.size() * sizeof(HeldEntry));
  held.resize(got / sizeof(HeldEntry));
  return held;
}

}  // namespace

std::optional<FileHeader> ReadHeader(const std::string& path, std::string* why, bool any_owner) {
  const std::optional<SafeFile> file = SafeFile::Open(path, any_owner, why);
  return file ? ReadHeaderOf(*file, why) : std::nullopt;
}

// The stream is read before the second look at `used`, and what was appended meanwhile after it: so whatever
// the live slots refer to is there too.
std::optional<Process> ReadProcess(const std::string& path, std::string* why, bool any_owner) {
  const std::optional<SafeFile> file = SafeFile::Open(path, any_owner, why);
  std::optional<FileHeader> header = file ? ReadHeaderOf(*file, why) : std::nullopt;
  if (!header) {
    return std::nullopt;
  }
  const uint64_t longest = std::min(file->size(), kMaxTraceBytes);
  uint64_t end = std::min(header->used, longest);
  ZeroPages memory(std::min(end + kSlack, longest));
  if (!memory.valid()) {
    *why = "does not fit into memory";
    return std::nullopt;
  }
  Copy(*file, 0, end, memory.data());
  std::string ignored;
  const std::optional<FileHeader> again = ReadHeaderOf(*file, &ignored);
  if (again && again->nonce == header->nonce && again->used > header->used && again->used <= memory.size()) {
    Copy(*file, end, again->used, memory.data());
    header->used = end = again->used;
  }
  Process process = Parse(*header, std::string_view(memory.data(), end));
  process.trace_file = path;
  return process;
}

std::optional<Process> ParseProcess(const std::string& bytes, std::string* why) {
  const std::optional<FileHeader> header = ParseHeader(bytes, why);
  if (!header) {
    return std::nullopt;
  }
  return Parse(*header, std::string_view(bytes).substr(0, std::min(header->used, kMaxTraceBytes)));
}

bool SlotSnapshot::SameAs(const SlotSnapshot& other) const {
  const SlotRecord& mine = slot;
  const SlotRecord& theirs = other.slot;
  return mine.thread == theirs.thread && mine.tid == theirs.tid && mine.segment == theirs.segment &&
         mine.wait_kind == theirs.wait_kind && mine.wait_flags == theirs.wait_flags &&
         mine.wait_mode == theirs.wait_mode && mine.wait_object == theirs.wait_object &&
         mine.wait_object2 == theirs.wait_object2 && mine.wait_stack == theirs.wait_stack &&
         mine.wait_value == theirs.wait_value && mine.wait_address == theirs.wait_address &&
         mine.held_count == theirs.held_count && mine.acquisitions == theirs.acquisitions &&
         mine.held_overflow == theirs.held_overflow &&
         std::equal(held.begin(), held.end(), other.held.begin(), other.held.end(), Equal);
}

// The owner was judged when the caller read the header; the nonce shows that this is still that file.
std::vector<SlotSnapshot> ReadSlots(const std::string& path, const FileHeader& header) {
  std::string ignored;
  const std::optional<SafeFile> file = SafeFile::Open(path, /*any_owner=*/true, &ignored);
  const std::optional<FileHeader> now = file ? ReadHeaderOf(*file, &ignored) : std::nullopt;
  if (!now || now->nonce != header.nonce) {
    return {};
  }
  std::vector<SlotSnapshot> slots;
  // A damaged list may run in a circle: it cannot be longer than the file.
  uint64_t left = std::min(now->used, file->size()) / sizeof(SlotRecord);
  for (Ref ref = now->first_slot; ref != 0 && left != 0; --left) {
    SlotSnapshot snapshot;
    SlotRecord& slot = snapshot.slot;
    const size_t got = file->ReadAt(uint64_t{ref} * kRecordAlign, &slot, sizeof(slot));
    if (got != sizeof(slot) || slot.prefix.type != static_cast<uint16_t>(Type::kSlot)) {
      break;
    }
    if (slot.prefix.committed == kCommitted && slot.thread != 0) {
      snapshot.held = ReadHoldings(*file, slot);
      slots.push_back(std::move(snapshot));
    }
    ref = slot.next;
  }
  return slots;
}

void MarkEnded(Process* process) {
  process->ended = true;
  for (Thread& thread : process->threads) {
    thread.settled = true;
  }
}

std::vector<std::string> ListTraces(const std::string& directory) {
  std::vector<std::string> paths;
  for (const std::string& name : FilesOf(directory)) {
    if (name.ends_with(".trace")) {
      paths.push_back((std::filesystem::path(directory) / name).string());
    }
  }
  return paths;
}

std::vector<std::string> ListLost(const std::string& directory) {
  std::vector<std::string> sentences;
  for (const std::string& name : FilesOf(directory)) {
    for (const LostReason& reason : kLostReasons) {
      if (name.ends_with(reason.suffix)) {
        const std::optional<int32_t> pid = PidOfName(name);
        sentences.push_back("Process " + (pid ? std::to_string(*pid) : "\"" + name + "\"") +
                            " could not be recorded: " + reason.text + ".");
      }
    }
  }
  return sentences;
}

}  // namespace gordian::trace
