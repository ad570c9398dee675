#!/usr/bin/env bash
# ThreadSanitizer of gcc 12 and clang 14 calls correct use of std::timed_mutex::try_lock_for a data race.
#
# libstdc++ 12 makes try_lock_for and try_lock_until(steady_clock) of pthread_mutex_clocklock, and
# try_lock_until(system_clock) of pthread_mutex_timedlock. The runtimes of gcc 12.2.0-14+deb12u1 and of clang
# 1:14.0.6-12 (Debian 12) have an interceptor for the second only. A counter that two threads change under the mutex
# is reported ("unlock of an unlocked mutex", mostly "data race" too), exit 66, with the one, and clean with the other.
#
# Seen, for each compiler: the exit status with try_lock_for, then with try_lock_until.
#     g++-12: for 66, until 0
#     clang++-14: for 66, until 0
# Exits non-zero if that changes. Needs both compilers (Debian 12: g++-12, clang-14, libclang-rt-14-dev).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
g++-12 -dumpfullversion | grep -qx 12.2.0
clang++-14 --version | grep -q 'version 14.0.6'

cat >counter.cc <<'CODE'
#include <chrono>
#include <mutex>
#include <thread>
std::timed_mutex mutex;
int counter;
bool Lock() {
#ifdef FOR
  return mutex.try_lock_for(std::chrono::seconds(60));
#else
  return mutex.try_lock_until(std::chrono::system_clock::now() + std::chrono::seconds(60));
#endif
}
void Add() {
  for (int i = 0; i < 1000; ++i) {
    if (Lock()) {
      ++counter;
      mutex.unlock();
    }
  }
}
int main() {
  std::thread other(Add);
  Add();
  other.join();
  return counter == 2000 ? 0 : 1;
}
CODE
status() {
  ./counter >/dev/null 2>&1 && echo 0 || echo $?
}
for compiler in g++-12 clang++-14; do
  "$compiler" -std=c++20 -g -fsanitize=thread -DFOR counter.cc -o counter
  with_for=$(status)
  "$compiler" -std=c++20 -g -fsanitize=thread counter.cc -o counter
  echo "$compiler: for $with_for, until $(status)"
done | tee seen
diff seen - <<'EXPECTED'
g++-12: for 66, until 0
clang++-14: for 66, until 0
EXPECTED
echo "as before: clocklock is not known"
