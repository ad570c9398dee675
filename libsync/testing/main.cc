// main() of gordian::gtest_main.
#include <gtest/gtest.h>
#include <libsync/gtest.h>

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  libsync::JudgeTests();
  return RUN_ALL_TESTS();
}
