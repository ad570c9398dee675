#include "reports/symbolizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "reports/debug_files.h"
#include "reports/frames.h"
#include "tests/reports/probe_run.h"

namespace gordian::report {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;
using ::testing::Not;
using ::testing::StartsWith;

// The line of the fixture that holds `text`, so that the tests need no line numbers.
int LineOf(const std::string& fixture, const std::string& text) {
  std::ifstream in(Fixture(fixture));
  std::string line;
  for (int number = 1; std::getline(in, line); ++number) {
    if (line.find(text) != std::string::npos) {
      return number;
    }
  }
  return -1;
}

std::vector<std::string> Functions(const Frames& frames) {
  std::vector<std::string> names;
  for (const SourceFrame& frame : ProjectFrames(frames)) {
    names.push_back(frame.function);
  }
  return names;
}

std::vector<std::string> DataNames(const trace::Process& process, Symbolizer* symbolizer) {
  std::vector<std::string> names;
  for (const trace::Lock& lock : process.locks) {
    if (std::string name = symbolizer->DataName(process, lock.place); !name.empty()) {
      names.push_back(std::move(name));
    }
  }
  return names;
}

// The stack of the first acquisition of the lock called `name`.
Frames StackOf(const trace::Process& process, const std::string& name, Symbolizer* symbolizer) {
  for (const trace::Lock& lock : process.locks) {
    if (symbolizer->DataName(process, lock.place) == name) {
      return symbolizer->ResolveStack(process, lock.first_stack);
    }
  }
  ADD_FAILURE() << "no lock is called " << name;
  return {};
}

class SymbolizerTest : public ::testing::Test {
 protected:
  // Compiles and runs a fixture, and gives what the probe saw.
  trace::Process Run(const std::string& fixture, const std::string& flags) {
    const std::string program = folder_.File("program");
    Compile(Fixture(fixture), flags, program);
    return RunUnderProbe(program);
  }

  void ExpectReloadStack(const std::string& flags) {
    SCOPED_TRACE(flags);
    const trace::Process process = Run("cycle.cc", flags + " -DSHIFT=");
    Symbolizer symbolizer;
    const Frames frames = StackOf(process, "app::g_config", &symbolizer);
    const Frames project = ProjectFrames(frames);
    // The first of them: the thread that refills takes g_config inside the cache's lock.
    // What started the thread may have left by a tail call from the C++ library, which leaves no trace.
    std::vector<std::string> functions = Functions(frames);
    const bool has_entry = functions.size() == 5 && functions.back() == "main::{lambda}";
    functions.resize(has_entry ? 4 : functions.size());
    ASSERT_THAT(functions, ElementsAre("app::ReadConfig", "app::Refill::{lambda}",
                                       StartsWith("app::Cache::With<"), "app::Refill"));
    EXPECT_TRUE(has_entry || flags.find("-O0") == std::string::npos);
    EXPECT_EQ(project[0].line, LineOf("cycle.cc", "std::lock_guard<std::mutex> lock(g_config);"));
    EXPECT_EQ(project[1].line, LineOf("cycle.cc", "    ReadConfig();"));
    EXPECT_EQ(project[2].line, LineOf("cycle.cc", "body(this);"));
    EXPECT_EQ(project[3].line, LineOf("cycle.cc", "g_cache.With([](Cache* cache) {"));
    EXPECT_TRUE(!has_entry || project[4].line == LineOf("cycle.cc", "app::Refill();"));
    for (const SourceFrame& frame : project) {
      EXPECT_EQ(frame.file, Fixture("cycle.cc"));
      EXPECT_EQ(frame.module, folder_.File("program"));
    }
    EXPECT_THAT(symbolizer.Complaints(), IsEmpty());
  }

  TemporaryFolder folder_;
};

TEST_F(SymbolizerTest, FindsFunctionsAndLinesHoweverTheyWereCompiled) {
  ExpectReloadStack("-g -O0");
  ExpectReloadStack("-g -O2");
  ExpectReloadStack("-g -O2 -no-pie -fno-pie");
  ExpectReloadStack("-g -O0 -no-pie -fno-pie");
  ExpectReloadStack("-g -O2 -gdwarf-4");
}

TEST_F(SymbolizerTest, NamesFunctionsThatLeftByATailCall) {
  const trace::Process process = Run("cycle.cc", "-g -O2 -fno-inline -DSHIFT=");
  Symbolizer symbolizer;
  const std::vector<std::string> functions = Functions(StackOf(process, "app::g_log", &symbolizer));
  ASSERT_GE(functions.size(), 3U);
  EXPECT_EQ(functions[0], "app::LockLog");
  EXPECT_EQ(functions[1], "app::StartLog");
  EXPECT_EQ(functions[2], "app::Reload");
}

TEST_F(SymbolizerTest, NamesStaticVariablesAndTheirMembers) {
  for (const char* flags : {"-g -O0", "-g -O2", "-g -O2 -no-pie -fno-pie"}) {
    SCOPED_TRACE(flags);
    const trace::Process process = Run("places.cc", flags);
    Symbolizer symbolizer;
    EXPECT_THAT(DataNames(process, &symbolizer),
                IsSupersetOf({"(anonymous namespace)::g_hidden", "g_static", "g_plain", "g_shards[2].mu",
                              "g_standard[1].mu", "g_server.shards.second.mu", "Server::instance",
                              "Local<int>::local"}));
  }
}

TEST_F(SymbolizerTest, WorksFromSymbolsWithoutDebugInformation) {
  const trace::Process process = Run("cycle.cc", "-O0 -g0 -DSHIFT=");
  Symbolizer symbolizer;
  const Frames stack = ProjectFrames(StackOf(process, "app::g_config", &symbolizer));
  EXPECT_EQ(Functions(stack).front(), "app::ReadConfig");
  EXPECT_TRUE(stack.front().file.empty());
  EXPECT_EQ(stack.front().line, 0);
  EXPECT_THAT(DataNames(process, &symbolizer), Contains("app::g_cache+0x8"));
}

TEST_F(SymbolizerTest, GivesModuleAndOffsetWithoutAnySymbol) {
  const trace::Process process = Run("cycle.cc", "-O0 -g0 -s -DSHIFT=");
  Symbolizer symbolizer;
  EXPECT_THAT(DataNames(process, &symbolizer), Not(Contains(HasSubstr("g_config"))));
  const Frames stack = symbolizer.ResolveStack(process, process.locks.back().first_stack);
  EXPECT_THAT(stack, Contains(AllOf(Field(&SourceFrame::module, folder_.File("program")),
                                    Field(&SourceFrame::function, ""),
                                    Field(&SourceFrame::offset, ::testing::Gt(0U)))));
}

TEST_F(SymbolizerTest, NamesExportedFunctionsOfAStrippedLibrary) {
  const std::string source = folder_.File("library.cc");
  std::ofstream(source) << "#include <pthread.h>\nstatic pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;\n"
                           "extern \"C\" int LibraryWork() { int r = pthread_mutex_lock(&mu); "
                           "return r + pthread_mutex_unlock(&mu); }\n";
  const std::string user = folder_.File("user.cc");
  std::ofstream(user) << "extern \"C\" int LibraryWork();\nint main() { return LibraryWork(); }\n";
  const std::string library = folder_.File("libwork.so");
  const std::string program = folder_.File("user");
  for (const char* flags : {"-g -O2 -shared -fPIC", "-O2 -g0 -s -shared -fPIC"}) {
    SCOPED_TRACE(flags);
    Compile(source, flags, library);
    Compile(user, "-g " + library, program);
    const trace::Process process = RunUnderProbe(program);
    Symbolizer symbolizer;
    const Frames stack = ProjectFrames(symbolizer.ResolveStack(process, process.locks.back().first_stack));
    EXPECT_EQ(stack.at(0).function, "LibraryWork");
    EXPECT_EQ(stack.at(0).module, library);
    EXPECT_EQ(stack.at(1).function, "main");
    EXPECT_EQ(stack.at(1).line, 2);
  }
}

TEST_F(SymbolizerTest, ReadsSeparateDebugFilesByBuildIdAndByLink) {
  const trace::Process process = Run("cycle.cc", "-g -O2 -Wl,--build-id -DSHIFT=");
  const std::string program = folder_.File("program");
  const std::string build_id = BuildIdOfFile(program).value_or("");
  ASSERT_GE(build_id.size(), 16U);
  const std::string debug = folder_.File("program.debug");
  Shell("objcopy --only-keep-debug " + program + " " + debug);
  Shell("strip --strip-all " + program);
  {
    Symbolizer symbolizer;
    EXPECT_THAT(DataNames(process, &symbolizer), Not(Contains("app::g_config"))) << "nothing is left to find";
  }
  const std::string by_id = folder_.File("debug/.build-id/" + build_id.substr(0, 2));
  std::filesystem::create_directories(by_id);
  const std::string in_store = by_id + "/" + build_id.substr(2) + ".debug";
  std::filesystem::copy(debug, in_store);
  {
    Symbolizer symbolizer({folder_.File("debug")});
    EXPECT_EQ(Functions(StackOf(process, "app::g_config", &symbolizer)).front(), "app::ReadConfig");
  }
  std::filesystem::remove(in_store);
  Shell("cd " + folder_.File(".") + " && objcopy --add-gnu-debuglink=program.debug program");
  {
    Symbolizer symbolizer({folder_.File("debug")});
    EXPECT_EQ(Functions(StackOf(process, "app::g_config", &symbolizer)).front(), "app::ReadConfig");
  }
  // A debug file whose checksum differs is another build's.
  std::ofstream(debug, std::ios::app) << "changed";
  {
    Symbolizer symbolizer({folder_.File("debug")});
    EXPECT_THAT(DataNames(process, &symbolizer), Not(Contains("app::g_config")));
  }
}

TEST_F(SymbolizerTest, NamesNothingFromAFileThatChanged) {
  const trace::Process process = Run("cycle.cc", "-g -O2 -Wl,--build-id -DSHIFT=");
  const std::string program = folder_.File("program");
  const std::string kept = folder_.File("kept");
  const std::string build_id = BuildIdOfFile(program).value_or("");
  std::filesystem::copy(program, kept);
  Compile(Fixture("cycle.cc"), "-g -O2 -Wl,--build-id -DSHIFT= -DOTHER", program);
  Symbolizer symbolizer({folder_.File("debug")});
  EXPECT_THAT(DataNames(process, &symbolizer), Not(Contains("app::g_config")));
  EXPECT_THAT(symbolizer.Complaints(), Contains(HasSubstr(program + " has changed since it was loaded")));

  std::filesystem::remove(program);
  Symbolizer without_file({folder_.File("debug")});
  EXPECT_THAT(DataNames(process, &without_file), Not(Contains("app::g_config")));
  EXPECT_THAT(without_file.Complaints(), Contains(HasSubstr(program + " cannot be read any more")));

  // The right debug file names a module even when the module itself is gone.
  const std::string by_id = folder_.File("debug/.build-id/" + build_id.substr(0, 2));
  std::filesystem::create_directories(by_id);
  Shell("objcopy --only-keep-debug " + kept + " " + by_id + "/" + build_id.substr(2) + ".debug");
  Symbolizer with_debug_file({folder_.File("debug")});
  EXPECT_EQ(Functions(StackOf(process, "app::g_config", &with_debug_file)).front(), "app::ReadConfig");
}

TEST_F(SymbolizerTest, SurvivesFilesThatAreNoModules) {
  trace::Process process;
  const std::string garbage = folder_.File("garbage");
  std::ofstream(garbage) << "\x7f"
                            "ELF and nothing more";
  const std::string fifo = folder_.File("fifo");
  Shell("mkfifo " + fifo);
  for (const std::string& path : {garbage, fifo, std::string("/dev/zero"), std::string("[vdso]"),
                                  std::string("/nowhere"), std::string("/tmp"), std::string()}) {
    trace::Module module;
    module.path = path;
    module.start = 0x1000;
    module.end = 0x9000;
    process.modules.push_back(module);
  }
  Symbolizer symbolizer;
  for (size_t i = 0; i < process.modules.size(); ++i) {
    const trace::Frame frame{static_cast<trace::Index>(i), 0x234};
    const Frames frames = symbolizer.Resolve(process, frame, AddressKind::kInstruction);
    ASSERT_EQ(frames.size(), 1U);
    EXPECT_EQ(frames[0].module, process.modules[i].path);
    EXPECT_EQ(frames[0].offset, 0x1234U);
    EXPECT_EQ(symbolizer.DataName(process, frame), "");
  }
  const Frames outside = symbolizer.Resolve(process, {trace::kNoIndex, 0x77}, AddressKind::kInstruction);
  EXPECT_EQ(outside.at(0).offset, 0x77U);
  EXPECT_THAT(symbolizer.ResolveStack(process, 12), IsEmpty());
}

}  // namespace
}  // namespace gordian::report
