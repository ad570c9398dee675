// Every GoogleTest test judged by what it leaves behind, for programs with a main() of their own;
// gordian::gtest_main has one that calls this.
//
//     testing::InitGoogleTest(&argc, argv);
//     libsync::JudgeTests();
//     return RUN_ALL_TESTS();
#ifndef LIBSYNC_GTEST_H_
#define LIBSYNC_GTEST_H_

namespace libsync {

// From now on a test fails that leaves a lock held, a thread unjoined or a child process not waited for, that
// adds a lock-order cycle, or that misuses a lock. Needs the shim in the process, and says on stderr if it is
// not there.
void JudgeTests();

}  // namespace libsync

#endif  // LIBSYNC_GTEST_H_
