#!/usr/bin/env bash
# A store that refuses to be opened twice by one process loses, by the refusal, the lock of the first open.
#
# LevelDB 1.23-4 and tdb 1.4.8-2 (Debian 12) keep other processes out by a POSIX record lock, and refuse a second
# open of the same store in one process, as their documentation says. Both find out only after they have opened the
# file again; closing that descriptor makes the kernel drop every POSIX lock that the process has on the file
# (fcntl(2), "Advisory record locking"). The first handle goes on without a lock, and nobody is told.
#
# Seen, as lines "STORE: locks of the process before, locks after the refusal":
#     leveldb: 1 0
#     tdb: 1 0
# Exits non-zero if that changes. Needs apt (Debian 12) and g++; touches nothing outside its temporary folder.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

apt-get download -q libleveldb-dev=1.23-4 libleveldb1d=1.23-4 libsnappy1v5 libtdb-dev=1.4.8-2 libtdb1=1.4.8-2 >/dev/null 2>&1
for package in ./*.deb; do
  dpkg -x "$package" root
done

cat >locks.cc <<'CODE'
#include <fcntl.h>
#include <leveldb/db.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <string>
extern "C" {
#include <tdb.h>
}

int OwnPosixLocks() {
  std::ifstream locks("/proc/locks");
  const std::string self = " " + std::to_string(getpid()) + " ";
  int count = 0;
  for (std::string line; std::getline(locks, line);) {
    count += line.find("POSIX") != std::string::npos && line.find(self) != std::string::npos;
  }
  return count;
}

int main() {
  leveldb::Options options;
  options.create_if_missing = true;
  leveldb::DB* first = nullptr;
  leveldb::DB* second = nullptr;
  if (!leveldb::DB::Open(options, "store", &first).ok()) return 1;
  const int before = OwnPosixLocks();
  const bool refused = !leveldb::DB::Open(options, "store", &second).ok();
  std::printf("leveldb: %d %d%s\n", before, OwnPosixLocks(), refused ? "" : " (opened twice)");

  tdb_context* tdb = tdb_open("store.tdb", 0, 0, O_RDWR | O_CREAT, 0600);
  if (tdb == nullptr || tdb_lockall(tdb) != 0) return 1;
  const int locked = OwnPosixLocks();
  const bool refused_too = tdb_open("store.tdb", 0, 0, O_RDWR, 0600) == nullptr;
  std::printf("tdb: %d %d%s\n", locked, OwnPosixLocks(), refused_too ? "" : " (opened twice)");
}
CODE
libraries=root/usr/lib/x86_64-linux-gnu
g++ -std=c++17 -Iroot/usr/include locks.cc -o locks -L"$libraries" -lleveldb -ltdb -Wl,--allow-shlib-undefined
LD_LIBRARY_PATH="$libraries:root/lib/x86_64-linux-gnu" ./locks | tee seen
diff seen - <<'EXPECTED'
leveldb: 1 0
tdb: 1 0
EXPECTED
echo "as before: the refusal dropped the lock"
