#include "reports/fingerprint.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "reports/report.h"
#include "reports/symbolizer.h"
#include "tests/reports/probe_run.h"

namespace gordian::report {
namespace {

constexpr analyze::Rule kRule = {"lock-order-cycle", analyze::Level::kError, analyze::Confidence::kPotential,
                                 "", ""};

// A finding over the named locks: the identity is where each of them was locked, in this order.
ReportFinding CycleOver(const trace::Process& process, const std::vector<std::string>& names) {
  Symbolizer symbolizer;
  analyze::Finding finding;
  finding.rule = &kRule;
  finding.title = "{lock:0} and {lock:1}";
  for (const std::string& name : names) {
    bool named = false;
    for (size_t i = 0; i < process.locks.size(); ++i) {
      if (symbolizer.DataName(process, process.locks[i].place) == name) {
        if (!named) {
          finding.locks.push_back({0, static_cast<trace::Index>(i)});
        }
        named = true;
        finding.identity.push_back({0, process.locks[i].first_stack});
      }
    }
    EXPECT_TRUE(named) << name;
  }
  trace::Run run;
  run.processes = {process};
  return BuildReport(run, {finding}, {}).findings.at(0);
}

class FingerprintTest : public ::testing::Test {
 protected:
  ReportFinding Build(const std::string& flags) {
    const std::string program = folder_.File("program" + std::to_string(++programs_));
    Compile(Fixture("cycle.cc"), flags, program);
    process_ = RunUnderProbe(program);
    return CycleOver(process_, {"app::g_cache.mu", "app::g_config"});
  }

  TemporaryFolder folder_;
  int programs_ = 0;
  trace::Process process_;
};

TEST_F(FingerprintTest, SurvivesWhatDoesNotChangeTheDefect) {
  const ReportFinding reference = Build("-g -O0 -DSHIFT=");
  EXPECT_EQ(reference.title, "app::g_cache.mu and app::g_config");
  EXPECT_EQ(reference.suppression,
            "lock-order-cycle:app::g_cache.mu -> app::g_config @" + reference.fingerprint);
  for (const char* flags : {"-g -O1 -DSHIFT=", "-g -O2 -DSHIFT=", "-g -O3 -DSHIFT=", "-g -Os -DSHIFT=",
                            "-g -O0 -no-pie -fno-pie -DSHIFT=", "-g -O2 -no-pie -fno-pie -DSHIFT=",
                            "-g -O2 -fno-inline -DSHIFT=", "-g -O2 -gdwarf-4 -DSHIFT="}) {
    EXPECT_EQ(Build(flags).fingerprint, reference.fingerprint) << flags;
  }
}

TEST_F(FingerprintTest, SurvivesALineShift) {
  const std::string shifted = folder_.File("shifted.cc");
  const std::string reference = Build("-g -O2 -DSHIFT=").fingerprint;
  Shell("{ yes '// a new line' | head -n 40; cat " + Fixture("cycle.cc") + "; } > " + shifted);
  Compile(shifted, "-g -O0 -DSHIFT='int unrelated;'", folder_.File("shifted"));
  const trace::Process process = RunUnderProbe(folder_.File("shifted"));
  EXPECT_EQ(CycleOver(process, {"app::g_cache.mu", "app::g_config"}).fingerprint, reference);
}

TEST_F(FingerprintTest, SurvivesOtherThreadsAndTimes) {
  const ReportFinding reference = Build("-g -O2 -DSHIFT=");
  trace::Process other = process_;
  other.pid += 1000;
  other.start_ns += 1;
  for (trace::Lock& lock : other.locks) {
    lock.address += 0x1000;
  }
  EXPECT_EQ(CycleOver(other, {"app::g_cache.mu", "app::g_config"}).fingerprint, reference.fingerprint);
  EXPECT_EQ(CycleOver(other, {"app::g_config", "app::g_cache.mu"}).fingerprint, reference.fingerprint)
      << "a cycle begins nowhere";
}

TEST_F(FingerprintTest, DiffersForAnotherCycle) {
  const ReportFinding reference = Build("-g -O2 -DSHIFT=");
  EXPECT_NE(CycleOver(process_, {"app::g_cache.mu", "app::g_log"}).fingerprint, reference.fingerprint);
  EXPECT_NE(Build("-g -O2 -DSHIFT= -DOTHER").fingerprint, reference.fingerprint)
      << "the same locks, but one of the two places has changed";
}

Identity CycleIdentity(const std::vector<std::string>& cycle) {
  return {"lock-order-cycle", cycle, {{"Load", "Run"}, {"Flush"}}};
}

TEST(FingerprintTextTest, IsStableForever) {
  // Baselines hold fingerprints: a change here must come with a new kVersion.
  EXPECT_EQ(Fingerprint(CycleIdentity({"a", "b"})), "7074d894295df297");
}

TEST(FingerprintTextTest, IgnoresRotationAndOrderOfStacksOnly) {
  const std::string reference = Fingerprint(CycleIdentity({"a", "b", "c"}));
  EXPECT_EQ(Fingerprint(CycleIdentity({"b", "c", "a"})), reference);
  EXPECT_EQ(Fingerprint(CycleIdentity({"c", "a", "b"})), reference);
  EXPECT_NE(Fingerprint(CycleIdentity({"a", "c", "b"})), reference) << "the other direction is another cycle";
  Identity other = CycleIdentity({"a", "b", "c"});
  std::swap(other.stacks[0], other.stacks[1]);
  EXPECT_EQ(Fingerprint(other), reference);
  other.stacks[0][0] = "Store";
  EXPECT_NE(Fingerprint(other), reference);
  other = CycleIdentity({"a", "b", "c"});
  other.rule = "join-order-cycle";
  EXPECT_NE(Fingerprint(other), reference);
}

TEST(FingerprintTextTest, NormalRotationHandlesEqualClasses) {
  using Cycle = std::vector<std::string>;
  EXPECT_EQ(NormalRotation({}), Cycle{});
  EXPECT_EQ(NormalRotation({"x", "x"}), (Cycle{"x", "x"}));
  EXPECT_EQ(NormalRotation({"b", "a", "b", "a"}), (Cycle{"a", "b", "a", "b"}));
}

}  // namespace
}  // namespace gordian::report
