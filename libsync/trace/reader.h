// Reads traces into a Run. Never maps a live trace, never trusts a length or a reference in one: a torn,
// truncated or hostile file gives what can be read and a sentence in Process::damage, never a crash.
//
// Thread safety: functions without shared state; call them from any thread.
#ifndef GORDIAN_LIBSYNC_TRACE_READER_H_
#define GORDIAN_LIBSYNC_TRACE_READER_H_

#include <optional>
#include <string>
#include <vector>

#include "libsync/trace/run.h"

namespace gordian::trace {

// The header alone; cheap enough for every poll. nullopt: not a trace, or not of this version.
// A trace of another owner than the caller (unless `any_owner`), or a symbolic link, is refused.
std::optional<FileHeader> ReadHeader(const std::string& path, std::string* why, bool any_owner = false);

// The whole trace. `damage` tells what could not be read. nullopt as ReadHeader.
std::optional<Process> ReadProcess(const std::string& path, std::string* why, bool any_owner = false);

// From bytes already in memory, for tests, fuzzing and archives.
std::optional<Process> ParseProcess(const std::string& bytes, std::string* why);

// The live state alone of one thread: a verbatim copy of its slot (holdings in overflow included), for
// comparing two looks cheaply.
struct SlotSnapshot {
  SlotRecord slot;
  std::vector<HeldEntry> held;
  bool SameAs(const SlotSnapshot& other) const;  // wait, holdings and counters all equal
};
std::vector<SlotSnapshot> ReadSlots(const std::string& path, const FileHeader& header);

// Sets `ended`, and `settled` on all threads: nothing in the trace of an image that is over moves any more.
void MarkEnded(Process* process);

// The traces in a run directory, sorted by name: paths of regular files that end in ".trace".
std::vector<std::string> ListTraces(const std::string& directory);

// A sentence for each process in a run directory that the shim could not record: it leaves an empty file
// whose name ends in ".lost-space", ".lost-limit" or ".lost-denied". Sorted by file name.
std::vector<std::string> ListLost(const std::string& directory);

// A run directory that was kept: its traces and the watcher's observations (run.json), if any.
// Damaged traces are named in Run::lost, the others still read. nullopt: no such directory, or empty.
std::optional<Run> ReadRun(const std::string& directory, std::string* why);

// Writes the part of a Run that traces do not hold (command, status, observations, lost) as run.json.
bool WriteRunInfo(const Run& run, const std::string& directory, std::string* why);

}  // namespace gordian::trace

#endif  // GORDIAN_LIBSYNC_TRACE_READER_H_
