// What the text and JSON formats print, against golden files in golden/. GORDIAN_UPDATE_GOLDEN=1 writes them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <type_traits>
#include <vector>

#include "reports/fields.h"
#include "reports/report.h"
#include "reports/snapshot.h"
#include "tests/reports/reports.h"

namespace gordian::report {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

void ExpectGolden(const std::string& name, const std::string& actual) {
  const std::string path = std::string(GORDIAN_TEST_SOURCE) + "/tests/reports/golden/" + name;
  if (std::getenv("GORDIAN_UPDATE_GOLDEN") != nullptr) {
    std::ofstream(path) << actual;
  }
  std::ifstream in(path);
  std::stringstream expected;
  expected << in.rdbuf();
  EXPECT_EQ(actual, expected.str()) << path;
}

std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    lines.push_back(line);
  }
  return lines;
}

Report Full() {
  Report report = ReportOf({CycleFinding(), ZombieFinding("error"), ZombieFinding("note")});
  report.coverage.unseen = {"1 process was not seen: /opt/x (statically linked)"};
  return report;
}

TEST(TextTest, Golden) {
  TextOptions options;
  options.exit_code = 66;
  options.next_steps = "More: gordian explain lock-order-cycle";
  ExpectGolden("report.txt", ToText(Full(), options));
}

TEST(TextTest, GoldenVerbose) {
  TextOptions options;
  options.verbosity = 1;
  ExpectGolden("verbose.txt", ToText(Full(), options));
}

TEST(TextTest, GoldenManyThreads) {
  ReportFinding finding = CycleFinding();
  for (int i = 3; i <= 4; ++i) {
    const std::string number = std::to_string(i);
    finding.threads.push_back(CycleThread("T" + number, 4710 + i, "worker-" + number, "L1", "L2", {}, {}));
    finding.interleaving.push_back(
        {i + 2, "T" + number, "blocks on", "L1", Native("Work", "/src/shop/w.cc", 10 * i)});
  }
  finding.confidence = "confirmed";
  finding.threads[2].waits = {"T1", "join", {Native("Work", "/src/shop/w.cc", 9)}};
  finding.threads[3].waits = {"pid 4720", "process", {Native("Work", "/src/shop/w.cc", 8)}};
  ExpectGolden("many_threads.txt", ToText(ReportOf({finding}), {}));
}

TEST(TextTest, GoldenStuckBehind) {
  ReportFinding finding = CycleFinding();
  finding.rule = "deadlock";
  finding.confidence = "confirmed";
  finding.locks[0].name = "mutex first locked at configuration_service.cc:117";
  finding.locks[0].created = {Native("Service::Service", "/src/shop/service.cc", 7)};
  finding.threads[1].waits = {"T1", "join", {Native("Config::Flush", "/src/shop/config.cc", 61)}};
  finding.interleaving[3] = {4, "T2", "join", "", Native("Config::Flush", "/src/shop/config.cc", 61)};
  finding.threads.push_back(
      CycleThread("T3", 4711, "main", "L2", "L2", {}, {Native("main", "/src/shop/main.cc", 30)}));
  finding.threads[2].role = "stuck behind it";
  ExpectGolden("stuck_behind.txt", ToText(ReportOf({finding}), {}));
}

TEST(TextTest, TheStepsAreToldAsAHangOnlyWhereSomebodyWaits) {
  ReportFinding finding = CycleFinding();
  EXPECT_THAT(FindingToText(finding, {}), HasSubstr("\n  How it would hang\n"));
  finding.confidence = "confirmed";
  EXPECT_THAT(FindingToText(finding, {}), HasSubstr("\n  How it hung\n"));
  for (ReportThread& thread : finding.threads) {
    thread.waits = {};
  }
  EXPECT_THAT(FindingToText(finding, {}), HasSubstr("\n  What happened\n"));
  finding.confidence = "potential";
  EXPECT_THAT(FindingToText(finding, {}), HasSubstr("\n  How it would happen\n"));
}

TEST(TextTest, CleanIsOneLine) {
  EXPECT_EQ(ToText(ReportOf({}), {}),
            "gordian: 0 errors, 0 warnings, 0 notes in 3 processes, 14 threads (exit 0)\n");
  TextOptions nobody_knows;
  nobody_knows.exit_code.reset();
  EXPECT_THAT(ToText(ReportOf({}), nobody_knows), HasSubstr("14 threads (exit unknown)\n"));
}

TEST(TextTest, CleanStillTellsWhatWasNotSeen) {
  Report report = ReportOf({});
  report.coverage.unseen = {"the trace ran out of room in a (pid 1): what came later is missing"};
  TextOptions options;
  EXPECT_EQ(Lines(ToText(report, options)).at(0), "Coverage: " + report.coverage.unseen[0]);
  options.verbosity = -1;
  EXPECT_EQ(ToText(report, options),
            "gordian: 0 errors, 0 warnings, 0 notes in 3 processes, 14 threads (exit 0); "
            "coverage is not complete\n");
}

TEST(TextTest, WhatWasPrintedBeforeIsNotRepeated) {
  TextOptions options;
  options.printed_before = {CycleFinding()};
  EXPECT_EQ(ToText(ReportOf({CycleFinding()}), options),
            "gordian: 1 error, 0 warnings, 0 notes in 3 processes, 14 threads (exit 0)\n");
}

// The finding of CycleFinding() at its own place, three times, and at another one, twice.
ReportFinding FindingAtTwoPlaces() {
  ReportFinding finding = CycleFinding();
  finding.count = 5;
  const ReportPlace own = {3, finding.title, finding.locks, finding.threads, finding.processes};
  ReportPlace other = own;
  other.count = 2;
  other.title = "g_cache and g_config are locked in both orders elsewhere";
  other.threads[0].waits.stack[0].line = 99;
  finding.places = {own, other};
  return finding;
}

TEST(TextTest, EachPlaceStandsInTheFindingWithItsCount) {
  const std::string text = FindingToText(FindingAtTwoPlaces(), {});
  EXPECT_THAT(text, HasSubstr("[5 times at 2\n  places, 3 of them at this one]\n"));
  EXPECT_THAT(
      text,
      HasSubstr("\n  Another place, 2 times: g_cache and g_config are locked in both orders elsewhere\n"));
  EXPECT_THAT(text, HasSubstr("    > #0 Cache::Load  /src/shop/cache.cc:88\n"));
  EXPECT_THAT(text, HasSubstr("    > #0 Cache::Load  /src/shop/cache.cc:99\n"));
}

TEST(TextTest, APlaceThatCameAfterTheFindingWasPrintedIsAdded) {
  TextOptions options;
  options.printed_before = {CycleFinding()};
  const std::string text = ToText(ReportOf({FindingAtTwoPlaces()}), options);
  EXPECT_THAT(
      text,
      HasSubstr("MORE lock-order-cycle [9c41e07a52d1b3f0]: reported above; in all 5 times at 2 places"));
  EXPECT_THAT(text, HasSubstr("cache.cc:99")) << text;
  EXPECT_THAT(text, Not(HasSubstr("cache.cc:88"))) << "it was printed";
  EXPECT_THAT(text, Not(HasSubstr("ERROR")));
}

TEST(TextTest, AShortReportIsALineAFinding) {
  TextOptions options;
  options.format = TextFormat::kShort;
  options.exit_code = 66;
  EXPECT_EQ(
      ToText(Full(), options),
      "/src/shop/cache.cc:88: error: lock-order-cycle: g_cache and g_config are locked in both orders "
      "[9c41e07a52d1b3f0]\n"
      "/src/shop/probe.cc:12: error: child-zombie: sleep (pid 4720) ended 3.1 s ago and was not waited for "
      "[00000000000000ff]\n"
      "/src/shop/probe.cc:12: note: child-zombie: sleep (pid 4720) ended 3.1 s ago and was not waited for "
      "[00000000000000ff]\n"
      "gordian: 2 errors, 0 warnings, 1 note in 3 processes, 14 threads (exit 66); coverage is not "
      "complete\n");
}

TEST(TextTest, ThePageIsAsWideAsItIsSaid) {
  for (const size_t width : {80, 120}) {
    TextOptions options;
    options.width = width;
    size_t widest = 0;
    for (const std::string& line : Lines(ToText(Full(), options))) {
      widest = std::max(widest, line.size());
    }
    EXPECT_LE(widest, width);
    EXPECT_GT(widest, width - 10);
  }
}

TEST(TextTest, LinesAreNotWiderThanAPage) {
  ReportFinding finding = CycleFinding();
  for (int i = 0; i < 40; ++i) {
    finding.explanation += " and so on";
    finding.fix += " or something else";
  }
  for (const std::string& line : Lines(FindingToText(finding, {}))) {
    EXPECT_LE(line.size(), 100U) << line;
  }
}

TEST(TextTest, ColourOnlyWhenAsked) {
  TextOptions options;
  EXPECT_THAT(ToText(Full(), options), Not(HasSubstr("\x1b")));
  options.color = true;
  EXPECT_THAT(ToText(Full(), options), HasSubstr("\x1b[1;31mERROR\x1b[0m lock-order-cycle"));
}

// What a target can put into any name: control characters, escape sequences, a bell, text that runs the other
// way, broken UTF-8, and length.
std::string Hostile() {
  return "a\x1b[2J\x07\r\n\tb\x7f\xc2\x9b"
         "c\xff\xc0\xaf\xe2\x80\xae\xd8\x9c\xe2\x81\xa6"
         "d\xed\xa0\x80" +
         std::string(10000, 'x');
}

// Fills every string of a report, and every list with one entry.
template <typename T>
void Fill(T* value, int* strings) {
  if constexpr (HasFields<T>) {
    ForEachField(*value, [strings](const auto& /*field*/, auto& part) { Fill(&part, strings); });
  } else if constexpr (std::is_same_v<T, std::string>) {
    *value = Hostile();
    ++*strings;
  } else if constexpr (std::is_arithmetic_v<T>) {
    *value = T{1};
  } else if constexpr (requires { value->emplace(); }) {
    Fill(&value->emplace(), strings);
  } else {
    Fill(&value->emplace_back(), strings);
  }
}

Report HostileReport(int* strings) {
  Report report;
  Fill(&report, strings);
  return report;
}

// Code points that no text may hold: what moves the cursor, starts an escape sequence or turns the text
// around.
bool ObeyedByTerminals(const std::string& text) {
  for (const char* bidi : {"\xe2\x80\xae", "\xd8\x9c", "\xe2\x81\xa6", "\xc2\x9b"}) {
    if (text.find(bidi) != std::string::npos) {
      return true;
    }
  }
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return c != '\n' && (c < 0x20 ? c >= 0 : c == 0x7f); });
}

void ExpectSafe(const std::string& text) {
  EXPECT_FALSE(ObeyedByTerminals(text));
  EXPECT_THAT(text, Not(HasSubstr(std::string(5000, 'x')))) << "what is long is cut";
}

TEST(TextTest, NoStringOfAReportReachesTheTerminalAsItIs) {
  int strings = 0;
  Report report = HostileReport(&strings);
  EXPECT_GT(strings, 60);
  ReportFinding& finding = report.findings[0];
  // What a format does depends on these words.
  report.suppressions[0].state = "unused";
  for (const char* status : {"suppressed", "baseline"}) {
    finding.status = status;
    ExpectSafe(ToText(report, {}));
    report.suppressions[0].state = "expired";
  }
  finding.status = "new";
  for (const char* level : {"error", "note"}) {
    for (const char* kind :
         {"lock", "condition", "barrier", "call", "join", "process", "of another version"}) {
      for (const int verbosity : {-1, 0, 1}) {
        finding.level = level;
        finding.threads[0].waits.kind = kind;
        TextOptions options;
        options.verbosity = verbosity;
        ExpectSafe(ToText(report, options));
        options.format = TextFormat::kShort;
        ExpectSafe(ToText(report, options));
        options.format = TextFormat::kFull;
        ExpectSafe(FindingToText(finding, options));
        ExpectSafe(SnapshotToText(report, options));
      }
    }
  }
  TextOptions verbose;
  verbose.verbosity = 1;
  const std::string text = ToText(report, verbose);
  EXPECT_THAT(
      text,
      HasSubstr(
          "    is in\n      a\\x1b[2J\\x07\\x0d\\x0a\\x09b\\x7f\\x9bc\\xff\\xc0\\xaf\\u202e\\u061c\\u2066d"))
      << "the note of a wait: the name of a file, for one";
  EXPECT_THAT(text, Not(HasSubstr(std::string(100, 'x') + " (tid"))) << "a long name is cut";
}

TEST(TextTest, NamesInOtherScriptsStayReadable) {
  ReportFinding finding = CycleFinding();
  finding.threads[0].name = "läser-日本";
  EXPECT_THAT(FindingToText(finding, {}), HasSubstr("T1 läser-日本\n"));
}

bool HasNull(const nlohmann::json& json) {
  if (json.is_null()) {
    return true;
  }
  if (!json.is_structured()) {
    return false;
  }
  for (const auto& value : json) {
    if (HasNull(value)) {
      return true;
    }
  }
  return false;
}

TEST(JsonTest, Golden) { ExpectGolden("report.json", ToJson(Full())); }

TEST(JsonTest, GoldenEmpty) { ExpectGolden("empty.json", ToJson(ReportOf({}))); }

int CountStrings(const nlohmann::json& json, const std::string& text) {
  if (json.is_string()) {
    return json.get<std::string>() == text ? 1 : 0;
  }
  int count = 0;
  for (const auto& value : json.is_structured() ? json : nlohmann::json::array()) {
    count += CountStrings(value, text);
  }
  return count;
}

TEST(JsonTest, KeepsEveryStringOfAReport) {
  int strings = 0;
  const std::string text = ToJson(HostileReport(&strings));
  const nlohmann::json json = nlohmann::json::parse(text);
  EXPECT_FALSE(HasNull(json));
  EXPECT_FALSE(ObeyedByTerminals(text)) << "`--json -` prints it";
  std::string kept = json["findings"][0]["threads"][0]["waits"]["note"];
  EXPECT_THAT(kept, HasSubstr("a\x1b[2J\x07\r\n\tb\x7f\xc2\x9b"
                              "c\xef\xbf\xbd"))
      << "bytes that are no UTF-8 become U+FFFD";
  EXPECT_GT(kept.size(), 10000U) << "JSON cuts nothing";
  EXPECT_EQ(CountStrings(json, kept), strings) << "each of them stands in it once";
}

TEST(JsonTest, KeepsEveryFact) {
  const nlohmann::json json = nlohmann::json::parse(ToJson(Full()));
  EXPECT_EQ(json["summary"], nlohmann::json({{"error", 2}, {"warning", 0}, {"note", 1}}));
  const nlohmann::json& thread = json["findings"][0]["threads"][0];
  EXPECT_EQ(thread["holds"][0]["stack"].size(), 4U) << "also the frames that the text leaves out";
  EXPECT_EQ(thread["waits"]["for"], "L2");
  EXPECT_EQ(json["findings"][0]["count"], 3);
}

TEST(FormatsTest, TenThousandFindings) {
  std::vector<ReportFinding> findings(10000, CycleFinding());
  for (size_t i = 0; i < findings.size(); ++i) {
    findings[i].title += " #" + std::to_string(i);
  }
  const Report report = ReportOf(findings);
  const std::string text = ToText(report, {});
  EXPECT_THAT(
      text,
      HasSubstr("ERROR lock-order-cycle (potential): g_cache and g_config are locked in both orders #0"));
  EXPECT_THAT(text, HasSubstr("gordian: 10000 errors, 0 warnings"));
  EXPECT_LT(text.size(), 2000000U) << "a line an error, so that their number is the one in the summary";
  const std::string json = ToJson(report);
  size_t in_json = 0;
  for (size_t at = json.find("\"fingerprint\""); at != std::string::npos;
       at = json.find("\"fingerprint\"", at + 1)) {
    ++in_json;
  }
  EXPECT_EQ(in_json, 10000U);
  TextOptions verbose;
  verbose.verbosity = 1;
  findings.resize(1000);
  EXPECT_THAT(ToText(ReportOf(findings), verbose), HasSubstr("in both orders #999"));
}

}  // namespace
}  // namespace gordian::report
