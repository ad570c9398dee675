"""`gordian run --profile`: who waits for which lock and holds it, where, how often and how long."""
import json
import subprocess
import unittest

from gordian_case import SHIM, GordianCase, read_line, rules

# Each lock is used by a function of its own. A thread that waits for a lock is known to wait when the kernel shows it
# asleep: the counts of contended acquisitions are exact.
PROGRAM = r"""
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static pthread_mutex_t plain = PTHREAD_MUTEX_INITIALIZER, waited = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t tried = PTHREAD_MUTEX_INITIALIZER, queue = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t recursive = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP, forked = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t ended = PTHREAD_MUTEX_INITIALIZER, each[50];
static pthread_rwlock_t table = PTHREAD_RWLOCK_INITIALIZER;
static pthread_cond_t filled = PTHREAD_COND_INITIALIZER;
static pthread_spinlock_t spinning;
static sem_t as_lock, as_signal;
static _Atomic int tid;

static void pause_ms(long ms) {
  struct timespec time = {0, ms * 1000000};
  while (nanosleep(&time, &time) != 0) {}
}

/* At a futex. */
static int asleep(int thread) {
  char path[64], text[256] = "";
  snprintf(path, sizeof(path), "/proc/self/task/%d/syscall", thread);
  int file = open(path, O_RDONLY);
  ssize_t bytes = read(file, text, sizeof(text) - 1);
  close(file);
  return bytes > 0 && atoi(text) == SYS_futex;  /* "running" else, or another call */
}

/* Starts a thread and waits until it sleeps. */
static pthread_t start_sleeper(void* (*body)(void*)) {
  pthread_t thread;
  tid = 0;
  pthread_create(&thread, 0, body, 0);
  while (tid == 0 || !asleep(tid)) sched_yield();
  return thread;
}

static void use_plain(int times) {
  for (int i = 0; i < times; i++) {
    pthread_mutex_lock(&plain);
    pthread_mutex_unlock(&plain);
  }
}

static void* wait_for_it(void* unused) {
  tid = syscall(SYS_gettid);
  pthread_mutex_lock(&waited);
  pthread_mutex_unlock(&waited);
  return unused;
}

static void be_waited_for(void) {
  for (int i = 0; i < 3; i++) {
    pthread_mutex_lock(&waited);
    pthread_t thread = start_sleeper(wait_for_it);
    pause_ms(20);
    pthread_mutex_unlock(&waited);
    pthread_join(thread, 0);
  }
}

static void* give_up(void* unused) {
  struct timespec past = {1, 0};
  if (pthread_mutex_trylock(&tried) != EBUSY || pthread_mutex_timedlock(&tried, &past) != ETIMEDOUT) abort();
  return unused;
}

static void try_it(void) {
  pthread_t thread;
  if (pthread_mutex_trylock(&tried) != 0) abort();
  pthread_create(&thread, 0, give_up, 0);
  pthread_join(thread, 0);
  pthread_mutex_unlock(&tried);
}

static void* wait_in_queue(void* unused) {
  pthread_mutex_lock(&queue);
  tid = syscall(SYS_gettid);
  pthread_cond_wait(&filled, &queue);
  pthread_mutex_unlock(&queue);
  return unused;
}

static long long now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000000LL + now.tv_nsec;
}

/* Says how long the queue was held at most: all of the time but for that in which the thread surely waited. */
static void fill_queue(void) {
  long long began = now_ns();
  pthread_t thread = start_sleeper(wait_in_queue);
  long long asleep = now_ns();
  pause_ms(300);
  long long woken = now_ns();
  pthread_mutex_lock(&queue);
  pthread_mutex_unlock(&queue);
  pthread_cond_signal(&filled);
  pthread_join(thread, 0);
  printf("%lld\n", asleep - began + now_ns() - woken);
}

static void use_others(void) {
  for (int i = 0; i < 4; i++) {
    pthread_mutex_lock(&recursive);
    pthread_mutex_lock(&recursive);
    pthread_mutex_unlock(&recursive);
    pthread_mutex_unlock(&recursive);
    pthread_spin_lock(&spinning);
    pthread_spin_unlock(&spinning);
    sem_wait(&as_lock);
    sem_post(&as_lock);
    sem_post(&as_signal);
    sem_wait(&as_signal);
  }
}

static void* read_table(void* unused) {
  pthread_rwlock_rdlock(&table);
  pthread_rwlock_unlock(&table);
  return unused;
}

static void* wait_for_table(void* unused) {
  tid = syscall(SYS_gettid);
  return read_table(unused);
}

static void write_table(void) {
  pthread_t thread;
  pthread_rwlock_rdlock(&table);
  pthread_create(&thread, 0, read_table, 0);
  pthread_join(thread, 0);
  pthread_rwlock_unlock(&table);
  pthread_rwlock_wrlock(&table);
  thread = start_sleeper(wait_for_table);
  pthread_rwlock_unlock(&table);
  pthread_join(thread, 0);
}

static void use_each(void) {
  for (int i = 0; i < 50; i++) {
    pthread_mutex_lock(&each[i]);
    pthread_mutex_unlock(&each[i]);
  }
}

static void use_new(void) {
  for (int i = 0; i < 50; i++) {
    pthread_mutex_t* made = malloc(sizeof(*made));
    pthread_mutex_init(made, 0);
    pthread_mutex_lock(made);
    pthread_mutex_unlock(made);
    pthread_mutex_destroy(made);
    free(made);
  }
}

static void* use_ended(void* unused) {
  pthread_mutex_lock(&ended);
  pthread_mutex_unlock(&ended);
  return unused;
}

int main(int argc, char** argv) {
  if (argc > 1) {
    use_plain(atoi(argv[1]));
    pthread_mutex_lock(&waited);
    if (write(1, "here\n", 5) != 5) return 1;
    pause();
  }
  pthread_spin_init(&spinning, 0);
  sem_init(&as_lock, 0, 1);
  sem_init(&as_signal, 0, 0);
  use_plain(1000);
  be_waited_for();
  try_it();
  fill_queue();
  use_others();
  write_table();
  use_each();
  use_new();
  for (int i = 0; i < 20; i++) {
    pthread_t thread;
    pthread_create(&thread, 0, use_ended, 0);
    pthread_join(thread, 0);
  }
  for (int i = 0; i < 3; i++) {
    if (fork() == 0) {
      pthread_mutex_lock(&forked);
      pthread_mutex_unlock(&forked);
      _exit(0);
    }
    wait(0);
  }
  return 0;
}
"""
MS = 1_000_000


class ProfileTest(GordianCase):
    @classmethod
    def setUpClass(cls):
        cls.known = {}

    def profile(self):
        """name -> its entry, of one run of the program."""
        if not self.known:
            program = self.compile("program.c", PROGRAM)
            result, report = self.run_json("--profile", "--out", "kept", "--", program)
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertEqual(rules(report), [])
            again = self.folder / "again.json"
            self.gordian("report", "kept", "--json", again)
            self.known.update(text=result.stderr, queue_held=int(result.stdout), report=report, again=json.loads(again.read_text()))
        return {entry["name"]: entry for entry in self.known["report"]["profile"]}

    def test_counts(self):
        profile = self.profile()
        # name: acquisitions, contended
        for name, expected in {
                "plain": (1000, 0),
                "waited": (6, 3),
                "tried": (1, 2),  # two gave up
                "queue": (3, 0),  # one of them at the end of the wait
                "recursive": (4, 0),
                "spinning": (4, 0),
                "as_lock": (4, 0),
                "table": (4, 1),
                "ended": (20, 0),
                "forked": (3, 0)}.items():
            with self.subTest(name):
                self.assertEqual((profile[name]["acquisitions"], profile[name]["contended"]), expected)
        self.assertNotIn("as_signal", profile)

    def test_locks_of_one_class_are_one_entry(self):
        profile = self.profile()
        made = [entry for name, entry in profile.items() if name.startswith("mutex created at program.c:")]
        self.assertEqual([entry["acquisitions"] for entry in made], [50])
        self.assertEqual(sum(entry["acquisitions"] for name, entry in profile.items() if name.startswith("each")), 50)

    def test_times(self):
        profile = self.profile()
        waited = profile["waited"]
        self.assertGreaterEqual(waited["max_wait_ns"], 20 * MS)
        self.assertGreaterEqual(waited["wait_ns"], 60 * MS)
        self.assertGreaterEqual(waited["max_hold_ns"], 20 * MS)
        self.assertGreaterEqual(waited["hold_ns"], 60 * MS)
        for entry in profile.values():
            self.assertLessEqual(entry["max_wait_ns"], entry["wait_ns"])
            self.assertLessEqual(entry["max_hold_ns"], entry["hold_ns"])
            if entry["contended"] == 0:
                self.assertEqual(entry["wait_ns"], 0, entry)
        # Nothing was held or waited for longer than the run.
        most = self.known["report"]["run"]["seconds"] * 1e9
        self.assertLessEqual(max(entry["max_hold_ns"] for entry in profile.values()), most)

    def test_a_wait_on_a_condition_is_neither(self):
        queue = self.profile()["queue"]
        self.assertLess(queue["hold_ns"], self.known["queue_held"])
        self.assertEqual(queue["wait_ns"], 0)

    def test_sites(self):
        def sites(name):
            counts = {}
            for site in self.profile()[name]["sites"]:
                key = site["stack"][0]["function"], site["mode"]
                acquired, contended = counts.get(key, (0, 0))
                counts[key] = acquired + site["acquisitions"], contended + site["contended"]
            return counts
        self.assertEqual(sites("waited"), {("be_waited_for", "exclusive"): (3, 0), ("wait_for_it", "exclusive"): (3, 3)})
        self.assertEqual(sites("tried"), {("give_up", "exclusive"): (0, 2), ("try_it", "exclusive"): (1, 0)})
        self.assertEqual(sites("table"), {("read_table", "shared"): (2, 1), ("write_table", "exclusive"): (1, 0),
                                          ("write_table", "shared"): (1, 0)})
        self.assertEqual(sites("forked"), {("main", "exclusive"): (3, 0)})

    def test_most_waited_for_comes_first(self):
        self.profile()
        self.assertEqual(self.known["report"]["profile"][0]["name"], "waited")
        table = self.known["text"].split("Locks by time waited\n", 1)[1].splitlines()
        self.assertEqual(table[0].split(), ["acquired", "contended", "waited", "longest", "held", "longest"])
        self.assertRegex(table[1], r"^ +6 +3 +[\d.]+ m?s +[\d.]+ m?s +[\d.]+ m?s +[\d.]+ m?s  waited \(mutex\)$")
        self.assertRegex(table[2], r"^ +3 +3 .* wait_for_it  .*program\.c:\d+$")

    def test_a_kept_run_tells_it_again(self):
        self.profile()
        self.assertEqual(self.known["again"]["profile"], self.known["report"]["profile"])

    def test_without_it_there_is_none(self):
        result, report = self.run_json("--", self.compile("program.c", PROGRAM))
        self.assertEqual(report["profile"], [])
        self.assertNotIn("Locks by", result.stderr)

    def test_by_the_variable_and_by_the_file(self):
        program = self.compile("program.c", PROGRAM)
        (self.folder / "gordian.conf").write_text("profile = yes\n")
        _, report = self.run_json("--", program)
        self.assertEqual({entry["name"]: entry["acquisitions"] for entry in report["profile"]}["plain"], 1000)
        (self.folder / "gordian.conf").unlink()
        _, report = self.run_json("--", program, env=self.environment(GORDIAN_OPTIONS="profile=1"))
        self.assertEqual({entry["name"]: entry["acquisitions"] for entry in report["profile"]}["plain"], 1000)

    def test_beyond_the_bound_there_is_one_entry_for_the_rest(self):
        program = self.compile("many.c", """
            #include <pthread.h>
            static pthread_mutex_t many[10000];
            static void* use(void* times) {
              for (int i = 0; i < 10000; i++) {
                for (long t = 0; t < (long)times; t++) {
                  pthread_mutex_lock(&many[i]);
                  pthread_mutex_unlock(&many[i]);
                }
              }
              return 0;
            }
            int main(void) {
              use((void*)2);
              pthread_t threads[4];
              for (int i = 0; i < 4; i++) pthread_create(&threads[i], 0, use, (void*)1);
              for (int i = 0; i < 4; i++) pthread_join(threads[i], 0);
              return 0;
            }
            """)
        self.gordian("run", "-q", "--profile", "--json", "many.json", "--", program)
        report = json.loads((self.folder / "many.json").read_text())  # too long for a check against the schema
        counts = [entry["acquisitions"] for entry in report["profile"]]
        self.assertEqual(sum(counts), 10000 * 6)
        self.assertIn("all other locks", [entry["name"] for entry in report["profile"]])
        self.assertLess(len(counts), 10000)

    def used(self, times):
        """How long the trace is that a killed program leaves behind, and what its profile says of `plain`."""
        run = self.folder / f"traces-{times}"
        run.mkdir()
        environment = self.environment(LD_PRELOAD=SHIM, GORDIAN_OPTIONS=f"run={run}:profile=1")
        with subprocess.Popen([str(self.folder / "program"), str(times)], env=environment, stdout=subprocess.PIPE) as p:
            self.assertEqual(read_line(p.stdout), "here\n")
            p.kill()
        trace, = run.glob("*.trace*")
        self.gordian("report", run, "--json", self.folder / "killed.json")
        report = json.loads((self.folder / "killed.json").read_text())
        counts = {entry["name"]: entry["acquisitions"] for entry in report["profile"]}
        return trace.stat().st_size, counts

    def test_a_killed_program_and_one_that_runs_for_long(self):
        self.compile("program.c", PROGRAM)
        size, counts = self.used(100)
        self.assertEqual(counts, {"plain": 100, "waited": 1})
        longer, counts = self.used(300_000)
        self.assertEqual(counts, {"plain": 300_000, "waited": 1})
        self.assertEqual(longer, size)


if __name__ == "__main__":
    unittest.main()
