// Kept runs: what run.json keeps, and what is left when parts of a run are damaged.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "libsync/trace/reader.h"
#include "tests/support/temp_dir.h"
#include "tests/trace/sample_trace.h"

namespace gordian::trace {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// Within a test fixture, Run is GoogleTest's.
using KeptRun = ::gordian::trace::Run;

KeptRun MakeRun() {
  KeptRun run;
  run.command = {"./server", "--name", "a \"b\"\n\xC3\xA4"};
  run.root_pid = 4242;
  run.root_status = 9;
  run.start_real_ns = 18'000'000'000'000'000'000u;
  run.duration_ns = 123'456'789;
  run.over = true;
  run.ended_by_gordian = true;
  run.lost = {"The disk was full."};
  Observed observed;
  observed.pid = 4300;
  observed.start_ticks = 55;
  observed.start_ns = 66;
  observed.creator = 4242;
  observed.session = 77;
  observed.command = "sleep 5";
  observed.status = 256;
  observed.zombie_ms = 2100;
  observed.creator_awaits = true;
  observed.reaped_late = true;
  observed.outlived_ms = 88;
  observed.alive_at_end = true;
  observed.own_session = true;
  observed.creator_doing = "was waiting in poll()";
  observed.unseen = "statically linked";
  run.observed.push_back(observed);
  run.observed.emplace_back();
  return run;
}

class RunInfoTest : public ::testing::Test {
 protected:
  std::optional<KeptRun> Read() { return ReadRun(directory_.path(), &why_); }
  void WriteRaw(const std::string& name, const std::string& text) {
    ASSERT_TRUE(TraceBytes::WriteTo(directory_ / name, text));
  }
  void WriteInfo(const KeptRun& run) { ASSERT_TRUE(WriteRunInfo(run, directory_.path(), &why_)) << why_; }

  TempDir directory_;
  std::string why_;
};

TEST_F(RunInfoTest, RoundTrip) {
  const KeptRun run = MakeRun();
  WriteInfo(run);
  const std::optional<KeptRun> read = Read();
  ASSERT_TRUE(read) << why_;
  EXPECT_EQ(read->command, run.command);
  EXPECT_EQ(read->root_pid, run.root_pid);
  EXPECT_EQ(read->root_status, run.root_status);
  EXPECT_EQ(read->start_real_ns, run.start_real_ns);
  EXPECT_EQ(read->duration_ns, run.duration_ns);
  EXPECT_TRUE(read->over);
  EXPECT_TRUE(read->ended_by_gordian);
  EXPECT_EQ(read->lost, run.lost);
  EXPECT_THAT(read->processes, IsEmpty());
  ASSERT_THAT(read->observed, SizeIs(2));
  const Observed& observed = read->observed[0];
  EXPECT_EQ(observed.pid, 4300);
  EXPECT_EQ(observed.start_ticks, 55u);
  EXPECT_EQ(observed.start_ns, 66u);
  EXPECT_EQ(observed.creator, 4242);
  EXPECT_EQ(observed.session, 77);
  EXPECT_EQ(observed.command, "sleep 5");
  EXPECT_EQ(observed.status, 256);
  EXPECT_EQ(observed.zombie_ms, 2100u);
  EXPECT_TRUE(observed.creator_awaits);
  EXPECT_TRUE(observed.reaped_late);
  EXPECT_EQ(observed.outlived_ms, 88u);
  EXPECT_TRUE(observed.alive_at_end);
  EXPECT_TRUE(observed.own_session);
  EXPECT_EQ(observed.creator_doing, "was waiting in poll()");
  EXPECT_EQ(observed.unseen, "statically linked");
  EXPECT_FALSE(read->observed[1].status.has_value());
}

TEST_F(RunInfoTest, WrittenTwiceIsReplaced) {
  KeptRun run = MakeRun();
  WriteInfo(run);
  run.root_pid = 1;
  run.root_status.reset();
  WriteInfo(run);
  const std::optional<KeptRun> read = Read();
  ASSERT_TRUE(read) << why_;
  EXPECT_EQ(read->root_pid, 1);
  EXPECT_FALSE(read->root_status.has_value());
  EXPECT_NE(access((directory_ / "run.json.new").c_str(), F_OK), 0);
}

TEST_F(RunInfoTest, BytesThatAreNoTextAreReplaced) {
  KeptRun run;
  run.command = {"\xFF\xFE"};
  WriteInfo(run);
  const std::optional<KeptRun> read = Read();
  ASSERT_TRUE(read) << why_;
  EXPECT_THAT(read->command, SizeIs(1));
  EXPECT_THAT(read->lost, IsEmpty());
}

TEST_F(RunInfoTest, WhereNothingCanBeWritten) {
  EXPECT_FALSE(WriteRunInfo(MakeRun(), directory_ / "none", &why_));
  EXPECT_THAT(why_, HasSubstr("No such file"));
  ASSERT_EQ(mkdir((directory_ / "run.json").c_str(), 0700), 0);
  EXPECT_FALSE(WriteRunInfo(MakeRun(), directory_.path(), &why_));
  EXPECT_THAT(why_, HasSubstr("cannot be written"));
  EXPECT_NE(access((directory_ / "run.json.new").c_str(), F_OK), 0);
}

TEST_F(RunInfoTest, TracesOfARunThatIsOverAreOver) {
  ASSERT_TRUE(MakeSampleTrace().bytes.WriteTo(directory_ / "a.trace"));
  std::optional<KeptRun> run = Read();
  ASSERT_TRUE(run) << why_;
  EXPECT_FALSE(run->processes.at(0).ended);
  WriteInfo(MakeRun());
  run = Read();
  ASSERT_TRUE(run) << why_;
  EXPECT_TRUE(run->processes.at(0).ended);
  EXPECT_TRUE(run->processes.at(0).threads.at(0).settled);
}

TEST_F(RunInfoTest, DamagedTracesAreNamedAndTheOthersRead) {
  SampleTrace sample = MakeSampleTrace();
  ASSERT_TRUE(sample.bytes.WriteTo(directory_ / "1.trace"));
  WriteRaw("2.trace", "rubbish");
  sample.bytes.Set(sample.event, offsetof(RecordPrefix, units), uint16_t{0});
  ASSERT_TRUE(sample.bytes.WriteTo(directory_ / "3.trace"));
  WriteRaw("6e1f0a2c-17-5-0.lost-space", "");
  const std::optional<KeptRun> run = Read();
  ASSERT_TRUE(run) << why_;
  ASSERT_THAT(run->processes, SizeIs(2));
  EXPECT_THAT(run->processes[0].events, SizeIs(1));
  EXPECT_THAT(run->processes[1].events, IsEmpty());
  EXPECT_THAT(run->processes[1].threads, SizeIs(2));
  EXPECT_THAT(run->lost, ElementsAre("Process 17 could not be recorded: no space was left for its trace.",
                                     "The trace 2.trace could not be read: it is too short to be a trace.",
                                     "The trace 3.trace is damaged: 1 unreadable places among its records."));
}

TEST_F(RunInfoTest, SentencesAreNotDoubled) {
  WriteRaw("6e1f0a2c-17-5-0.lost-space", "");
  std::optional<KeptRun> run = Read();
  ASSERT_TRUE(run) << why_;
  ASSERT_THAT(run->lost, SizeIs(1));
  WriteInfo(*run);
  run = Read();
  ASSERT_TRUE(run) << why_;
  EXPECT_THAT(run->lost, SizeIs(1));
}

TEST_F(RunInfoTest, DamagedRunFilesAreNamedAndTheTracesRead) {
  ASSERT_TRUE(MakeSampleTrace().bytes.WriteTo(directory_ / "1.trace"));
  const std::string schema = R"("schema": "gordian.run/1")";
  const std::pair<std::string, std::string> cases[] = {
      {"", "run.json is damaged: it is not a JSON object."},
      {"{\"schema\":", "run.json is damaged: it is not a JSON object."},
      {std::string(100'000, '['), "run.json is damaged: it is not a JSON object."},
      {"[]", "run.json is damaged: it is not a JSON object."},
      {"{}", "run.json is not of the schema gordian.run/1."},
      {R"({"schema": 5})", "run.json is not of the schema gordian.run/1."},
      {"{" + schema + R"(, "root_pid": "x"})",
       "run.json is damaged: some of its members are not of their types."},
      {"{" + schema + R"(, "root_pid": 5000000000})",
       "run.json is damaged: some of its members are not of their types."},
      {"{" + schema + R"(, "duration_ns": -1})",
       "run.json is damaged: some of its members are not of their types."},
      {"{" + schema + R"(, "over": 1})", "run.json is damaged: some of its members are not of their types."},
      {"{" + schema + R"(, "command": [1]})",
       "run.json is damaged: some of its members are not of their types."},
      {"{" + schema + R"(, "observed": {}})",
       "run.json is damaged: some of its members are not of their types."},
      {"{" + schema + R"(, "observed": [7]})",
       "run.json is damaged: some of its members are not of their types."},
  };
  for (const auto& [text, sentence] : cases) {
    WriteRaw("run.json", text);
    const std::optional<KeptRun> run = Read();
    ASSERT_TRUE(run) << why_;
    EXPECT_THAT(run->processes, SizeIs(1));
    EXPECT_THAT(run->lost, ElementsAre(sentence)) << text.substr(0, 80);
  }
}

TEST_F(RunInfoTest, GoodPartsOfADamagedRunFileAreKept) {
  WriteRaw("run.json", R"({"schema": "gordian.run/1", "root_pid": 7, "over": "yes",
                           "observed": [{"pid": 8}, {"pid": "nine"}, {"pid": 10}], "new_member": 1})");
  const std::optional<KeptRun> run = Read();
  ASSERT_TRUE(run) << why_;
  EXPECT_EQ(run->root_pid, 7);
  EXPECT_FALSE(run->over);
  EXPECT_THAT(run->observed, SizeIs(2));
  EXPECT_THAT(run->lost, SizeIs(1));
}

TEST_F(RunInfoTest, WhatIsNoRun) {
  EXPECT_FALSE(Read().has_value());
  EXPECT_THAT(why_, HasSubstr("holds no run"));
  EXPECT_FALSE(ReadRun(directory_ / "none", &why_).has_value());
  EXPECT_THAT(why_, HasSubstr("does not exist"));
  WriteRaw("file", "");
  EXPECT_FALSE(ReadRun(directory_ / "file", &why_).has_value());
  EXPECT_THAT(why_, HasSubstr("is not a directory"));
}

}  // namespace
}  // namespace gordian::trace
