// The thread's memory of situations: what it knows must stay there, or the slow path is taken for good.
#include <gtest/gtest.h>

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <vector>

#include "libsync/record/acquire.h"

namespace gordian::record {
namespace {

constexpr uint64_t kPlaces = uint64_t{1} << kCacheBits;

// The `which`-th key whose place is `place`.
uint64_t Key(uint64_t place, uint64_t which) { return place << (64 - kCacheBits) | (which + 1); }

// How often these situations, one after the other and again and again, are not found.
int Misses(Thread* thread, const std::vector<uint64_t>& keys, int rounds) {
  int misses = 0;
  for (int round = 0; round < rounds; ++round) {
    for (const uint64_t key : keys) {
      if (!IsRemembered(thread, key)) {
        ++misses;
        Remember(thread, CacheEntry{key, 1, 0, {}, 0, 0});
      }
    }
  }
  return misses;
}

class Situations : public testing::TestWithParam<bool> {
 protected:
  Situations() : thread_(std::make_unique<Thread>()) {
    for (uint64_t place = 0; place < kPlaces && GetParam(); ++place) {
      Remember(thread_.get(), CacheEntry{Key(place, 100), 1, 0, {}, 0, 0});
    }
  }
  std::unique_ptr<Thread> thread_;
};

TEST_P(Situations, TwoOfOnePlaceStay) {
  for (const uint64_t place : {uint64_t{0}, uint64_t{7}, kPlaces - 1}) {
    EXPECT_EQ(Misses(thread_.get(), {Key(place, 0), Key(place, 1)}, 10), 2) << place;
  }
}

TEST_P(Situations, NeighboursStay) {
  for (const uint64_t place : {uint64_t{0}, uint64_t{7}, kPlaces - 1}) {
    EXPECT_LE(Misses(thread_.get(), {Key(place, 0), Key(place ^ 1, 0)}, 10), 4) << place;
  }
}

INSTANTIATE_TEST_SUITE_P(EmptyAndFull, Situations, testing::Bool());

}  // namespace
}  // namespace gordian::record
