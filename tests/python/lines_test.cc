// Line tables in each of the three formats, by hand: compilers seldom write all that a format allows.
#include "libsync/python/lines.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string_view>
#include <vector>

namespace gordian::python {
namespace {

using std::string_view_literals::operator""sv;

std::vector<int> Lines(LineTable kind, std::string_view table, int first, int64_t bytes) {
  std::vector<int> lines;
  for (int64_t offset = 0; offset < bytes; offset += 2) {
    lines.push_back(LineAt(kind, table, first, offset));
  }
  return lines;
}

TEST(PythonLinesTest, DeltasCountFromTheFirstLine) {
  EXPECT_THAT(Lines(LineTable::kDeltas, "\x00\x01\x04\x01\x04\x01"sv, 10, 12),
              testing::ElementsAre(11, 11, 12, 12, 13, 13));
}

TEST(PythonLinesTest, DeltasGoBack) {
  EXPECT_THAT(Lines(LineTable::kDeltas, "\x00\x05\x02\xfe\x02\x01"sv, 10, 6),
              testing::ElementsAre(15, 13, 14));
}

TEST(PythonLinesTest, RangesMayHaveNoLine) {
  EXPECT_THAT(Lines(LineTable::kRanges, "\x04\x01\x02\x80\x04\x01"sv, 10, 10),
              testing::ElementsAre(11, 11, 0, 12, 12));
}

TEST(PythonLinesTest, LocationsOfEachForm) {
  // Short (same line), one line on, long (one back), without columns (two on), without a line.
  constexpr std::string_view table =
      "\x80\x12"              // code 0, one unit
      "\xd9\x01\x02"          // code 11, two units: a line on
      "\xf0\x03\x00\x01\x02"  // code 14, one unit: -1
      "\xe8\x04"              // code 13, one unit: +2
      "\xf8"sv;               // code 15, one unit
  EXPECT_THAT(Lines(LineTable::kLocations, table, 10, 14), testing::ElementsAre(10, 11, 11, 10, 12, 0, 0));
}

TEST(PythonLinesTest, AFunctionThatHasNotBegunIsAtItsFirstLine) {
  EXPECT_EQ(LineAt(LineTable::kLocations, "\xd9\x01\x02"sv, 10, -2), 10);
  EXPECT_EQ(LineAt(LineTable::kDeltas, "\x00\x01"sv, 10, -1), 10);
}

TEST(PythonLinesTest, CutTablesGiveNoLineAndNoOverrun) {
  constexpr std::string_view table = "\xf0\x03\x00\x01\x02\xe8\xff\xff\xff\xff\xff\xff\xff"sv;
  for (size_t length = 0; length <= table.size(); ++length) {
    for (const LineTable kind : {LineTable::kDeltas, LineTable::kRanges, LineTable::kLocations}) {
      LineAt(kind, table.substr(0, length), 10, 1000);
    }
  }
  EXPECT_EQ(LineAt(LineTable::kLocations, table, 10, 1000), 0);
  EXPECT_EQ(LineAt(LineTable::kRanges, "\x04"sv, 10, 0), 0);
}

}  // namespace
}  // namespace gordian::python
