"""What an uncontended lock and unlock costs, in instructions: counted by callgrind, so the same on every machine.

The cost of start-up cancels out: each program runs with two lengths, the difference is the loop alone.
"""
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

BUILD = pathlib.Path(os.environ["GORDIAN_BUILD"])
SHIM = BUILD / "lib" / "libgordian_preload.so"

PROGRAM = r"""
#include <pthread.h>
#include <stdlib.h>
static pthread_mutex_t outer = PTHREAD_MUTEX_INITIALIZER, inner = PTHREAD_MUTEX_INITIALIZER;
__attribute__((noinline)) static void Take(pthread_mutex_t* mutex) {
  pthread_mutex_lock(mutex);
  pthread_mutex_unlock(mutex);
}
__attribute__((noinline)) static void OneWay(pthread_mutex_t* mutex) { Take(mutex); __asm__ volatile(""); }
__attribute__((noinline)) static void OtherWay(pthread_mutex_t* mutex) { Take(mutex); __asm__ volatile(""); }
int main(int argc, char** argv) {
  (void)argc;
  for (long i = 0; argv[2][0] == 'w' && i < atol(argv[1]); i++) {
    OneWay(&inner);
    OtherWay(&inner);
  }
  if (argv[2][0] == 'n') pthread_mutex_lock(&outer);
  pthread_mutexattr_t recursive;
  pthread_mutexattr_init(&recursive);
  pthread_mutexattr_settype(&recursive, PTHREAD_MUTEX_RECURSIVE);
  if (argv[2][0] == 'r' || argv[2][0] == 'a') pthread_mutex_init(&inner, &recursive);
  if (argv[2][0] == 'a') pthread_mutex_lock(&inner);
  pthread_mutex_t* table = calloc(512, sizeof(*table));
  for (long i = 0; argv[2][0] == 'u' && i < atol(argv[1]); i++) {
    pthread_mutex_lock(&table[i % 512]);
    pthread_mutex_lock(&inner);
    pthread_mutex_unlock(&inner);
    pthread_mutex_unlock(&table[i % 512]);
  }
  if (argv[2][0] == 'u' || argv[2][0] == 'w') return 0;
  for (long i = 0; i < atol(argv[1]); i++) {
    pthread_mutex_lock(&inner);
    pthread_mutex_unlock(&inner);
  }
  return 0;
}
"""

SHORT, LONG = 1000, 11000
# Instructions that the shim adds to a pair, libc's own not counted. Two of them are of two pairs: one takes a lock of a
# table, under which no further instances are recorded; the other comes to one place by two callers. Raise a ceiling only
# with a reason in the commit message.
CEILING = {"top level": 110, "nested": 135, "under one of many": 900, "ways to it, two": 240,
           "recursive": 180, "again": 155}


def instructions(program, folder, environment, *arguments):
    """The number of instructions of one run."""
    done = subprocess.run(
        ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", program, *arguments],
        env={**os.environ, **environment}, cwd=folder, capture_output=True, text=True, timeout=120, check=True)
    return int(re.search(r"Collected : (\d+)", done.stderr).group(1))


class InstructionCeiling(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(dir="/dev/shm")
        self.addCleanup(self.folder.cleanup)
        source = pathlib.Path(self.folder.name) / "pair.c"
        source.write_text(PROGRAM)
        self.program = str(source.with_suffix(""))
        subprocess.run([os.environ.get("CC", "cc"), "-O2", "-o", self.program, str(source), "-pthread"], check=True)

    def per_pair(self, environment, how):
        runs = [instructions(self.program, self.folder.name, environment, str(length), how[0])
                for length in (SHORT, LONG)]
        return (runs[1] - runs[0]) / (LONG - SHORT)

    def test_pair(self):
        # Without debug information: valgrind cannot read all that clang writes.
        shim = pathlib.Path(self.folder.name) / SHIM.name
        subprocess.run(["strip", "--strip-debug", "-o", str(shim), str(SHIM)], check=True)
        # `run=` makes the shim record into this folder and start no watcher.
        traced = {"LD_PRELOAD": str(shim), "GORDIAN_OPTIONS": f"run={self.folder.name}"}
        for how, ceiling in CEILING.items():
            with self.subTest(how):
                added = self.per_pair(traced, how) - self.per_pair({}, how)
                self.assertGreater(added, 0, "the shim was not loaded")
                self.assertLessEqual(round(added), ceiling)


if __name__ == "__main__":
    unittest.main()
