"""The fast path touches memory of its own thread and the lock: seen by running two threads one after the other under
valgrind's lackey, which writes down every instruction and every access.

Between two marks each thread takes and gives back locks that it has taken before. An instruction of the shim that has a
lock prefix or exchanges with memory there is libc's own way to take a lock that is free: it changes the word of a lock that
says so, which is its first one, and nothing else. No cache line is written for both threads.
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
#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define OWN __attribute__((aligned(64)))
struct Locks {
  OWN pthread_mutex_t outer, inner, recursive;
  OWN pthread_rwlock_t rwlock;
  OWN sem_t semaphore;
  OWN pthread_spinlock_t spinlock;
};
static struct Locks all[2];
static volatile int begin[2], end[2];
static int finished[2], go_on[2];

static void* Run(void* argument) {
  const int self = argument != NULL;
  struct Locks* locks = &all[self];
  for (int round = 0; round < 12; ++round) {
    if (round == 10) begin[self] = 1;
    pthread_mutex_lock(&locks->outer);
    pthread_mutex_lock(&locks->inner);
    pthread_mutex_unlock(&locks->inner);
    pthread_mutex_unlock(&locks->outer);
    pthread_mutex_lock(&locks->recursive);
    pthread_mutex_lock(&locks->recursive);
    pthread_mutex_unlock(&locks->recursive);
    pthread_mutex_unlock(&locks->recursive);
    if (pthread_mutex_trylock(&locks->inner) == 0) pthread_mutex_unlock(&locks->inner);
    pthread_rwlock_rdlock(&locks->rwlock);
    pthread_rwlock_unlock(&locks->rwlock);
    pthread_rwlock_wrlock(&locks->rwlock);
    pthread_rwlock_unlock(&locks->rwlock);
    sem_wait(&locks->semaphore);
    sem_post(&locks->semaphore);
    pthread_spin_lock(&locks->spinlock);
    pthread_spin_unlock(&locks->spinlock);
  }
  end[self] = 1;
  char byte = 0;
  if (write(finished[1], &byte, 1) != 1 || read(go_on[0], &byte, 1) != 1) return (void*)1;
  return NULL;
}

int main(void) {
  const pthread_mutex_t recursive = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
  if (pipe(finished) != 0 || pipe(go_on) != 0) return 1;
  FILE* maps = fopen("/proc/self/maps", "r");
  char line[512];
  while (fgets(line, sizeof(line), maps) != NULL) {
    if (strstr(line, "libgordian_preload") != NULL) fputs(line, stdout);
  }
  fclose(maps);
  for (int i = 0; i < 2; ++i) {
    struct Locks* locks = &all[i];
    printf("words %p %p %p %p %p %p\n", (void*)&locks->outer, (void*)&locks->inner, (void*)&locks->recursive,
           (void*)&locks->rwlock, (void*)&locks->semaphore, (void*)&locks->spinlock);
  }
  printf("marks %p %p %p %p\n", (void*)&begin[0], (void*)&end[0], (void*)&begin[1], (void*)&end[1]);
  fflush(stdout);
  pthread_t threads[2];
  for (int i = 0; i < 2; ++i) {
    all[i].recursive = recursive;
    sem_init(&all[i].semaphore, 0, 1);
    pthread_spin_init(&all[i].spinlock, PTHREAD_PROCESS_PRIVATE);
    pthread_create(&threads[i], NULL, Run, i == 0 ? NULL : &all[1]);
    char byte;
    if (read(finished[0], &byte, 1) != 1) return 1;  // the first lives on while the second runs
  }
  if (write(go_on[1], "..", 2) != 2) return 1;
  for (int i = 0; i < 2; ++i) pthread_join(threads[i], NULL);
  return 0;
}
"""

CACHE_LINE = 64


class FastPath(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(dir="/dev/shm")
        self.addCleanup(self.folder.cleanup)

    def record(self):
        """The program's output and lackey's log."""
        folder = pathlib.Path(self.folder.name)
        (folder / "locks.c").write_text(PROGRAM)
        subprocess.run([os.environ.get("CC", "cc"), "-O1", "-D_GNU_SOURCE", "-o", folder / "locks", folder / "locks.c",
                        "-pthread"], check=True)
        # Without debug information: valgrind cannot read all that clang writes.
        shim = folder / SHIM.name
        subprocess.run(["strip", "--strip-debug", "-o", shim, SHIM], check=True)
        log = folder / "log"
        done = subprocess.run(
            ["valgrind", "--tool=lackey", "--trace-mem=yes", "--basic-counts=no", f"--log-file={log}", folder / "locks"],
            env={**os.environ, "LD_PRELOAD": str(shim), "GORDIAN_OPTIONS": f"run={folder}"}, capture_output=True,
            text=True, timeout=250, check=True)
        return done.stdout, log.read_bytes()

    def between(self, log, begin, end):
        """The lines between the stores to two marks, as (kind, address)."""
        first = log.index(b" S %08x," % begin)
        last = log.index(b" S %08x," % end, first)
        for line in log[first:last].splitlines()[1:]:
            yield line[:2].strip().decode(), int(line[3:].split(b",")[0], 16)

    def test_fast_path(self):
        output, log = self.record()
        mappings = [[int(part, 16) for part in line.split()[0].split("-")] + [int(line.split()[2], 16), line.split()[1]]
                    for line in output.splitlines() if "libgordian_preload" in line]
        low, high, offset, _ = next(mapping for mapping in mappings if "x" in mapping[3])
        marks = [int(mark, 16) for mark in re.search(r"marks (.*)", output).group(1).split()]
        words = {int(word, 16) for line in re.findall(r"words (.*)", output) for word in line.split()}
        executed, written, changed = set(), [], {}
        for thread in range(2):
            lines, count, inside = set(), 0, False
            for kind, address in self.between(log, marks[2 * thread], marks[2 * thread + 1]):
                if kind == "I":
                    inside = low <= address < high
                    if inside:
                        instruction = address - low + offset
                        executed.add(instruction)
                        count += 1
                elif inside and kind in ("S", "M"):
                    lines.add(address // CACHE_LINE)
                    changed.setdefault(instruction, set()).add(address)
            # 2 rounds of 20 calls of hooks, none of them on a slow path.
            self.assertGreater(count, 2 * 20 * 10, "the shim was not loaded")
            self.assertLess(count, 2 * 20 * 120, "not on the fast path")
            written.append(lines)
        self.assertEqual(written[0] & written[1], set(), "cache lines that both threads write")

        listing = subprocess.run(["objdump", "-d", "--no-show-raw-insn", SHIM], capture_output=True, text=True,
                                 check=True).stdout
        code = {int(match.group(1), 16): match.group(2)
                for match in re.finditer(r"^\s*([0-9a-f]+):\t(.*)$", listing, re.MULTILINE)}
        known = [address for address in executed if address in code]
        self.assertGreater(len(known), 200, "instructions of another file")
        locked = [address for address in known if re.match(r"lock\b|xchg\b.*\(", code[address])]
        self.assertEqual([code[address] for address in locked if not changed.get(address, set()) <= words], [])
        self.assertNotEqual([address for address in locked if changed.get(address)], [], "no free lock was taken")


if __name__ == "__main__":
    unittest.main()
