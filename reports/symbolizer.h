// Symbolizer turns what a trace recorded (module and offset) into functions, lines and variable names.
//
// It works from files on this machine alone: no target process, no network. A module is opened when the first
// frame in it is asked for, and every answer is kept. A file that is not the one that was loaded (another
// build-id) names nothing: a wrong name is worse than none.
// Thread safety: none; one thread at a time.
#ifndef GORDIAN_REPORTS_SYMBOLIZER_H_
#define GORDIAN_REPORTS_SYMBOLIZER_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "libsync/trace/run.h"
#include "reports/object_file.h"
#include "reports/report.h"
#include "reports/wrappers.h"

namespace gordian::report {

// Whether an address is that of an instruction, or of the one after a call.
enum class AddressKind { kInstruction, kReturn };

class Symbolizer {
 public:
  // `debug_directories` hold .build-id folders and trees of debug files; `wrappers` are globs of functions.
  explicit Symbolizer(std::vector<std::string> debug_directories = {"/usr/lib/debug"},
                      std::vector<std::string> wrappers = {});

  // The frames of one recorded frame, innermost inlined function first. Never empty: what is unknown has at
  // least its module and offset.
  Frames Resolve(const trace::Process& process, const trace::Frame& frame, AddressKind kind);

  // A whole stack, innermost first, with the functions that tail calls hid, and its lock wrappers marked.
  // Empty for kNoIndex.
  Frames ResolveStack(const trace::Process& process, trace::Index stack);

  // A thread still held at the stack `later` what it had locked at `held`: see Wrappers::Learn.
  void LearnWrappers(const trace::Process& process, trace::Index held, trace::Index later);

  // The static variable at a place ("g_cache", "g_server.mu_"), or "".
  std::string DataName(const trace::Process& process, const trace::Frame& place);

  // One sentence for each module whose names could not be had.
  const std::vector<std::string>& Complaints() const { return complaints_; }

 private:
  ObjectFile* Open(const trace::Module& module);
  Frames UnmarkedStack(const trace::Process& process, trace::Index stack);
  uint64_t FunctionSize(const trace::Process& process, const SourceFrame& frame);
  const Frames& Lookup(const trace::Module& module, uint64_t address);
  const Frames& TailCalls(const trace::Module& module, uint64_t return_address, const std::string& callee);

  std::vector<std::string> debug_directories_;
  Wrappers wrappers_;
  std::map<std::pair<std::string, std::string>, std::unique_ptr<ObjectFile>>
      objects_;  // by path and build-id
  std::map<std::pair<ObjectFile*, uint64_t>, Frames> known_;
  std::map<std::tuple<ObjectFile*, uint64_t, std::string>, Frames> known_tail_calls_;
  std::vector<std::string> complaints_;
};

}  // namespace gordian::report

#endif  // GORDIAN_REPORTS_SYMBOLIZER_H_
