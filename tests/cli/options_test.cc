// What a configuration line and an environment entry become.
#include "cli/options.h"

#include <gtest/gtest.h>

#include "cli/preload.h"

namespace gordian::cli {
namespace {

TEST(ShimOptionsTest, OursComeFirstAndReplaceTheUsers) {
  Options options;
  options.only = {"a*", "b"};
  options.skip = {"c"};
  PreloadPlan plan{.shim = "/shim.so", .program = "", .run = "/run", .drop = "/drop"};
  EXPECT_EQ(ShimOptions(plan, options, "identity=memory:run=/other:only=x:json=y"),
            "run=/run:drop=/drop:only=a*,b:skip=c:identity=memory:json=y");
}

TEST(ShimOptionsTest, WithoutADropFolder) {
  EXPECT_EQ(ShimOptions({.shim = "/shim.so", .program = "", .run = "/run", .drop = ""}, Options(), ""),
            "run=/run");
}

TEST(OptionsTest, EveryKeyRefusesNonsenseOrTakesAnyName) {
  for (const OptionKey& key : OptionKeys()) {
    Options options;
    EXPECT_NE(key.set(&options, ""), "") << key.name;
  }
}

TEST(OptionsTest, KeysAreFoundWithEitherDashAndByTheirShortName) {
  EXPECT_EQ(FindOptionKey("grace_ms"), FindOptionKey("grace-ms"));
  EXPECT_STREQ(FindOptionKey("q")->name, "quiet");
  EXPECT_EQ(FindOptionKey("no-such"), nullptr);
}

TEST(OptionsTest, WhatIsGivenReplacesLists) {
  Options options;
  options.skip = {"from-file"};
  EXPECT_EQ(ApplyGiven({{"skip", {"a", "b,c"}}, {"grace-ms", {"7"}}}, &options), "");
  EXPECT_EQ(options.skip, (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(options.grace_ms, 7u);
}

}  // namespace
}  // namespace gordian::cli
