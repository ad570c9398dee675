// Builds the fixtures at test time, runs them under the probe, and gives what happened as a trace::Process:
// real stacks of real programs, whatever the compiler made of them.
#ifndef GORDIAN_TESTS_REPORTS_PROBE_RUN_H_
#define GORDIAN_TESTS_REPORTS_PROBE_RUN_H_

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "libsync/trace/run.h"

namespace gordian::report {

// A folder that goes away with the test.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "gordian-reports-XXXXXX").string();
    path_ = mkdtemp(name.data()) == nullptr ? "" : name;
  }
  ~TemporaryFolder() {
    std::error_code error;
    std::filesystem::remove_all(path_, error);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  std::string File(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

inline void Shell(const std::string& command) {
  ASSERT_EQ(std::system(command.c_str()), 0) << command;  // NOLINT(cert-env33-c)
}

inline std::string Fixture(const std::string& name) {
  return std::string(GORDIAN_TEST_SOURCE) + "/tests/reports/fixtures/" + name;
}

// `source` is an absolute path. The output's folder must exist.
inline void Compile(const std::string& source, const std::string& flags, const std::string& output) {
  Shell(std::string(GORDIAN_TEST_CXX) + " -std=c++17 -pthread " + source + " " + flags + " -o " + output);
}

// The shim's stand-in, built once a test program.
inline const std::string& Probe() {
  static TemporaryFolder folder;
  static const std::string path = [] {
    std::string library = folder.File("libgordian_preload.so");
    Compile(Fixture("probe.cc"), "-shared -fPIC -g -O1", library);
    return library;
  }();
  return path;
}

class ProbeParser {
 public:
  trace::Process Parse(const std::string& executable, const std::string& file) {
    process_.executable = executable;
    process_.flags = trace::kHooksWork | trace::kTagsWork;
    process_.pid = 100;
    std::ifstream in(file);
    std::string line;
    while (std::getline(in, line)) {
      std::istringstream words(line);
      std::string what;
      uint64_t address = 0;
      trace::Module module;
      words >> what >> std::hex >> address >> module.start >> module.end >> module.bias >> module.build_id;
      std::getline(words >> std::ws, module.path);
      module.build_id = module.build_id == "-" ? "" : module.build_id;
      const trace::Frame frame = FrameOf(module, address);
      if (what == "lock") {
        AddLock(address, frame);
      } else if (module.path != Probe()) {
        AddFrame(frame);
      }
    }
    return std::move(process_);
  }

 private:
  trace::Frame FrameOf(const trace::Module& module, uint64_t address) {
    if (module.path == "-") {
      return {trace::kNoIndex, address};
    }
    for (size_t i = 0; i < process_.modules.size(); ++i) {
      if (process_.modules[i].path == module.path) {
        return {static_cast<trace::Index>(i), address - module.start};
      }
    }
    process_.modules.push_back(module);
    return {static_cast<trace::Index>(process_.modules.size()) - 1, address - module.start};
  }

  // As the recorder does: its own frames are left out, and the innermost address is that of the call.
  void AddFrame(trace::Frame frame) {
    std::vector<trace::Frame>& frames = process_.stacks.back().frames;
    frame.offset -= frames.empty() ? 1 : 0;
    frames.push_back(frame);
  }

  // One lock record for each acquisition: its stack has the lock's index.
  void AddLock(uint64_t address, const trace::Frame& place) {
    trace::Lock lock;
    lock.kind = trace::LockKind::kMutex;
    lock.address = address;
    lock.place = place;
    lock.first_stack = static_cast<trace::Index>(process_.stacks.size());
    process_.locks.push_back(lock);
    process_.stacks.emplace_back();
  }

  trace::Process process_;
};

// Runs a program under the probe. Lock i of the process was acquired with stack i.
inline trace::Process RunUnderProbe(const std::string& program) {
  const std::string out = program + ".probe";
  std::filesystem::remove(out);
  Shell("PROBE_OUT=" + out + " LD_PRELOAD=" + Probe() + " " + program);
  return ProbeParser().Parse(program, out);
}

}  // namespace gordian::report

#endif  // GORDIAN_TESTS_REPORTS_PROBE_RUN_H_
