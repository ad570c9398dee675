// The suppressions: what a line means, which findings it fits, and where a mistake in it is.
#include "reports/suppressions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "reports/glob.h"
#include "tests/reports/reports.h"

namespace gordian::report {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr char kToday[] = "2026-06-15";

Suppression LineOf(const std::string& text) {
  Suppressions suppressions;
  EXPECT_EQ(suppressions.Add("f", text), "") << text;
  EXPECT_EQ(suppressions.list().size(), 1U) << text;
  return suppressions.list().empty() ? Suppression{} : suppressions.list().front();
}

std::string ProblemOf(const std::string& text) {
  Suppressions suppressions;
  return suppressions.Add("f.supp", text);
}

bool Fits(const std::string& text, const ReportFinding& finding) { return Matches(LineOf(text), finding); }

Report Marked(const std::string& text, std::vector<ReportFinding> findings) {
  Suppressions suppressions;
  EXPECT_EQ(suppressions.Add("f.supp", text), "");
  Report report;
  report.findings = std::move(findings);
  suppressions.Mark(kToday, &report);
  return report;
}

TEST(GlobTest, Patterns) {
  EXPECT_TRUE(MatchesGlob("", ""));
  EXPECT_TRUE(MatchesGlob("*", ""));
  EXPECT_TRUE(MatchesGlob("a*c", "abcbc"));
  EXPECT_TRUE(MatchesGlob("*::?et", "ns::Get"));
  EXPECT_TRUE(MatchesGlob("operator[]", "operator[]"));
  EXPECT_TRUE(MatchesGlob("operator\\*", "operator*"));
  EXPECT_FALSE(MatchesGlob("operator\\*", "operator+"));
  EXPECT_FALSE(MatchesGlob("a*c", "ab"));
  EXPECT_FALSE(MatchesGlob("", "a"));
  EXPECT_FALSE(MatchesGlob("a", ""));
  EXPECT_FALSE(MatchesGlob(std::string(40, '*') + "b", std::string(10000, 'a'))) << "and soon";
}

TEST(GlobTest, OfATextFitsIt) {
  for (const std::string& name :
       {std::string("operator*"), std::string("a # b @c until=x"), std::string("\x1b[2J\n"),
        std::string("gr\xc3\xbc\xc3\x9f"), std::string(10000, 'x'), std::string("\\")}) {
    EXPECT_TRUE(MatchesGlob(GlobOf(name), name)) << name;
  }
}

TEST(SuppressionsTest, PartsOfALine) {
  const Suppression line =
      LineOf("  lock-order-cycle: a -> b::c  until=2027-03-01 @0123456789abcdef # why # not ");
  EXPECT_EQ(line.rule, "lock-order-cycle");
  EXPECT_THAT(line.globs, ElementsAre("a", "b::c"));
  EXPECT_EQ(line.until, "2027-03-01");
  EXPECT_EQ(line.fingerprint, "0123456789abcdef");
  EXPECT_EQ(line.reason, "why # not");
  EXPECT_EQ(LineOf("deadlock:x # later until=2027-03-01").until, "2027-03-01");
  EXPECT_EQ(LineOf("deadlock:x # later until=2027-03-01").reason, "later");
  EXPECT_THAT(LineOf("deadlock:operator new").globs, ElementsAre("operator new"));
  EXPECT_THAT(LineOf("deadlock:a#b").globs, ElementsAre("a#b")) << "a reason begins behind a blank";
}

TEST(SuppressionsTest, NothingButReasonsIsNothing) {
  Suppressions suppressions;
  EXPECT_EQ(suppressions.Add("f", "# deadlock:x until=never\n\n   \n\r\n"), "");
  EXPECT_TRUE(suppressions.list().empty());
}

TEST(SuppressionsTest, MistakesHaveALineAndAColumn) {
  EXPECT_THAT(ProblemOf("deadlock:*\n  deadlok:*"), StartsWith("f.supp:2:3: there is no rule 'deadlok'"));
  EXPECT_THAT(ProblemOf("nonsense"), StartsWith("f.supp:1:9: there is no ':'"));
  EXPECT_THAT(ProblemOf("deadlock:  # all"), StartsWith("f.supp:1:10: the pattern is empty"));
  EXPECT_THAT(ProblemOf("deadlock:x until=2026-02-30"), StartsWith("f.supp:1:18: this is no day"));
  EXPECT_THAT(ProblemOf("deadlock:x # until=soon"), StartsWith("f.supp:1:20: this is no day"));
  EXPECT_THAT(ProblemOf("deadlock:x @12"), StartsWith("f.supp:1:12: this is no fingerprint"));
  EXPECT_THAT(ProblemOf(std::string("deadlock:x\0y", 12)), StartsWith("f.supp:1:11: a NUL byte"));
  EXPECT_THAT(ProblemOf("\x1b[2J:x"), HasSubstr("'\\x1b[2J'"));
}

TEST(SuppressionsTest, CyclesBeginAnywhere) {
  const ReportFinding finding = CycleFinding();
  EXPECT_TRUE(Fits("lock-order-cycle:g_cache -> g_config", finding));
  EXPECT_TRUE(Fits("lock-order-cycle:g_config -> g_*", finding));
  EXPECT_TRUE(Fits("lock-*:g_config -> g_cache", finding));
  EXPECT_FALSE(Fits("lock-order-cycle:g_cache -> g_cache", finding));
  EXPECT_FALSE(Fits("lock-order-cycle:g_cache -> g_config -> g_other", finding));
  EXPECT_FALSE(Fits("deadlock:g_cache -> g_config", finding)) << "another rule";
}

TEST(SuppressionsTest, NamesOfEachKind) {
  const ReportFinding finding = CycleFinding();
  for (const char* pattern :
       {"g_cache", "lock=g_cache", "Cache::*", "function=Config::Flush", "cache.cc", "shop/cache.cc",
        "file=/src/*", "shopd", "module=bin/shopd", "stack=Server::Run", "*"}) {
    EXPECT_TRUE(Fits(std::string("*:") + pattern, finding)) << pattern;
  }
  for (const char* pattern : {"Cache", "Server::Run", "function=g_cache", "lock=Cache::Load", "file=ache.cc",
                              "module=cache.cc", "program=shopd"}) {
    EXPECT_FALSE(Fits(std::string("*:") + pattern, finding)) << pattern;
  }
  EXPECT_TRUE(Fits("child-zombie:program=sleep", ZombieFinding("error")));
}

TEST(SuppressionsTest, TheLineOfAFindingIsForItAlone) {
  ReportFinding one = CycleFinding();
  ReportFinding other = CycleFinding();  // the same locks, at another place
  other.fingerprint = "1111111111111111";
  for (ReportFinding* finding : {&one, &other}) {
    finding->suppression =
        SuppressionLine(finding->rule, GlobOf("g #1 until=x") + " -> " + GlobOf(std::string(10000, 'n')),
                        finding->fingerprint);
  }
  EXPECT_TRUE(Fits(one.suppression, one));
  EXPECT_FALSE(Fits(one.suppression, other));
  EXPECT_LT(one.suppression.size(), 400U);
  const std::string all = SuppressionsFor(Marked(one.suppression, {one, other}));
  EXPECT_THAT(all, HasSubstr("\n" + other.suppression + "\n"));
  EXPECT_EQ(all.find(one.suppression), std::string::npos) << "it is known already";
}

TEST(SuppressionsTest, UsedUnusedAndExpired) {
  const Report report = Marked(
      "lock-order-cycle:* # ours\nchild-zombie:* until=2026-06-14\nchild-zombie:* "
      "until=2026-06-15\ndeadlock:x\n",
      {CycleFinding(), ZombieFinding("error")});
  std::vector<std::string> states;
  for (const ReportSuppression& suppression : report.suppressions) {
    states.push_back(suppression.state);
  }
  EXPECT_THAT(states, ElementsAre("used", "expired", "used", "unused"));
  EXPECT_EQ(report.findings[0].status, "suppressed");
  EXPECT_EQ(report.findings[0].suppressed_by, "f.supp:1");
  EXPECT_EQ(report.findings[0].suppressed_because, "ours");
  EXPECT_EQ(report.findings[1].suppressed_by, "f.supp:3");
  EXPECT_EQ(report.Summary().suppressed, 2);
  EXPECT_EQ(report.Summary().errors, 0);
  const std::string text = ToText(report, {});
  EXPECT_THAT(text, HasSubstr("SUPPRESSED lock-order-cycle: "));
  EXPECT_THAT(text, HasSubstr("by f.supp:1 (ours)"));
  EXPECT_THAT(text, HasSubstr("Expired: f.supp:2: child-zombie:* until=2026-06-14 counted until 2026-06-14"));
  EXPECT_THAT(text, HasSubstr("Suppressions: 1 line was not used: f.supp:4"));
  EXPECT_THAT(text, HasSubstr("(exit 0); 2 suppressed\n"));
}

}  // namespace
}  // namespace gordian::report
