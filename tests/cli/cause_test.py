"""A report is about the user's place, says what brought the hang about, and what to do in the words of the language."""
import json
import unittest

from gordian_case import GordianCase, PATIENCE, rules

# Two unrelated pairs of locks behind one wrapper; LOCK and UNLOCK are how a pair is taken.
WRAPPED = """
#include <pthread.h>
#include <stdlib.h>
%s
static struct pair { TYPE first, second; } *orders, *users;
__attribute__((noinline)) static void sell(void) { LOCK(orders->first); LOCK(orders->second); UNLOCK(orders->second); UNLOCK(orders->first); }
__attribute__((noinline)) static void stock(void) { LOCK(orders->second); LOCK(orders->first); UNLOCK(orders->first); UNLOCK(orders->second); }
__attribute__((noinline)) static void enrol(void) { LOCK(users->first); LOCK(users->second); UNLOCK(users->second); UNLOCK(users->first); }
__attribute__((noinline)) static void expel(void) { LOCK(users->second); LOCK(users->first); UNLOCK(users->first); UNLOCK(users->second); }
static pthread_mutex_t turns = PTHREAD_MUTEX_INITIALIZER;
static volatile int turn;
static void *one(void *x) { sell(); enrol(); __atomic_store_n(&turn, 1, __ATOMIC_RELAXED); return x; }
static void *two(void *x) { while (!__atomic_load_n(&turn, __ATOMIC_RELAXED)) { } stock(); expel(); return x; }
static __attribute__((noinline)) void make_orders(void) { orders = ALLOCATE; INIT(orders->first); INIT(orders->second); }
static __attribute__((noinline)) void make_users(void) { users = ALLOCATE; INIT(users->first); INIT(users->second); }
int main(void) {
  pthread_t a, b;
  (void)turns;
  make_orders(); make_users();
  pthread_create(&a, 0, one, 0); pthread_create(&b, 0, two, 0);
  pthread_join(a, 0); pthread_join(b, 0);
  return 0;
}
"""
ALLOCATE_C = "\n#define ALLOCATE calloc(1, sizeof(struct pair))\n"
ALLOCATE_CC = "\n#define ALLOCATE new pair\n"
C_FUNCTIONS = """
typedef struct { pthread_mutex_t m; } box;
%(inline)s void box_setup(box *b) { if (pthread_mutex_init(&b->m, 0)) abort(); }
%(inline)s void box_in(box *b) { if (pthread_mutex_lock(&b->m)) abort(); }
%(inline)s void box_out(box *b) { if (pthread_mutex_unlock(&b->m)) abort(); }
#define TYPE box
#define LOCK(l) box_in(&l)
#define UNLOCK(l) box_out(&l)
#define INIT(l) box_setup(&l)
""" + ALLOCATE_C
TWO_LEVELS = """
typedef struct { pthread_mutex_t m; } box;
__attribute__((noinline)) static void raw_take(pthread_mutex_t *m) { if (pthread_mutex_lock(m)) abort(); }
__attribute__((noinline)) static void box_take(box *b) { raw_take(&b->m); __asm__ volatile(""); }
#define TYPE box
#define LOCK(l) box_take(&l)
#define UNLOCK(l) pthread_mutex_unlock(&l.m)
#define INIT(l) pthread_mutex_init(&l.m, 0)
""" + ALLOCATE_C
POINTERS = """
static int (*take)(pthread_mutex_t *) = pthread_mutex_lock;
__attribute__((noinline)) static void via(int (*function)(pthread_mutex_t *), pthread_mutex_t *m) { if (function(m)) abort(); }
#define TYPE pthread_mutex_t
#define LOCK(l) via(take, &l)
#define UNLOCK(l) pthread_mutex_unlock(&l)
#define INIT(l) pthread_mutex_init(&l, 0)
""" + ALLOCATE_C
MACROS = """
#define TYPE pthread_mutex_t
#define LOCK(l) do { if (pthread_mutex_lock(&l)) abort(); } while (0)
#define UNLOCK(l) pthread_mutex_unlock(&l)
#define INIT(l) pthread_mutex_init(&l, 0)
""" + ALLOCATE_C
CLASSES = """
class Door {
 public:
  Door() { pthread_mutex_init(&native_, nullptr); }
  void Shut() { if (pthread_mutex_lock(&native_) != 0) abort(); }
  void Open() { pthread_mutex_unlock(&native_); }
 private:
  pthread_mutex_t native_;
};
template <typename T> class Keeper {
 public:
  explicit Keeper(T &door) : door_(door) { door_.Shut(); }
  ~Keeper() { door_.Open(); }
 private:
  T &door_;
};
#define TYPE Door
#define LOCK(l) do { Keeper<Door> *keeper = new Keeper<Door>(l); (void)keeper; } while (0)
#define UNLOCK(l) l.Open()
#define INIT(l) (void)l
""" + ALLOCATE_CC
LIBRARY = """
#include <pthread.h>
#include <stdlib.h>
struct gate { pthread_mutex_t m; };
struct gate *gate_make(void) { struct gate *g = malloc(sizeof *g); pthread_mutex_init(&g->m, 0); return g; }
void gate_pass(struct gate *g) { if (pthread_mutex_lock(&g->m)) abort(); }
void gate_back(struct gate *g) { if (pthread_mutex_unlock(&g->m)) abort(); }
"""
IN_LIBRARY = """
struct gate; struct gate *gate_make(void); void gate_pass(struct gate *); void gate_back(struct gate *);
typedef struct gate *box;
#define TYPE box
#define LOCK(l) gate_pass(l)
#define UNLOCK(l) gate_back(l)
#define INIT(l) l = gate_make()
""" + ALLOCATE_C


class WrapperTest(GordianCase):
    def places(self, program, *options):
        """What each of the cycles names: its places, the functions its locks were created in, its suppression line."""
        _, report = self.run_json("-q", *options, "--", program)
        self.assertEqual(rules(report), ["lock-order-cycle"] * 2)
        found = set()
        for finding in report["findings"]:
            steps = sorted({step["frame"]["function"] for step in finding["interleaving"]})
            created = {next(frame["function"] for frame in lock["created"] if "wrapper" not in frame
                            and not frame["function"].startswith("pthread_")) for lock in finding["locks"]}
            self.assertIn(finding["primary"]["function"], steps)
            self.assertIn(finding["suppression"].split(":", 1)[1].rsplit(" @", 1)[0], steps)
            found.add((*steps, *created))
        self.assertEqual(len({finding["fingerprint"] for finding in report["findings"]}), 2)
        return found

    def test_the_callers_are_told(self):
        wanted = {("sell", "stock", "make_orders"), ("enrol", "expel", "make_users")}
        noinline = {"inline": "__attribute__((noinline)) static"}
        for name, wrapper, flags in (("plain.c", C_FUNCTIONS % noinline, ("-O1",)), ("slow.c", C_FUNCTIONS % noinline, ("-O0",)),
                                     ("fast.c", C_FUNCTIONS % noinline, ("-O2",)),
                                     ("inlined.c", C_FUNCTIONS % {"inline": "static inline"}, ("-O2",)),
                                     ("levels.c", TWO_LEVELS, ()), ("pointers.c", POINTERS, ()), ("macros.c", MACROS, ())):
            with self.subTest(name):
                self.assertEqual(self.places(self.compile(name, WRAPPED % wrapper, *flags)), wanted)

    def test_classes_and_templates(self):
        for name, flags in (("classes.cc", ("-O0",)), ("fast.cc", ("-O2",))):
            with self.subTest(name):
                found = self.places(self.compile(name, WRAPPED % CLASSES, *flags))
                self.assertEqual({places[:2] for places in found}, {("sell", "stock"), ("enrol", "expel")})

    def test_in_a_library_without_debug_information(self):
        library = self.compile("gate.c", LIBRARY, "-shared", "-fPIC", "-g0")
        program = self.compile("uses.c", WRAPPED % IN_LIBRARY, library)
        found = self.places(program)
        self.assertEqual({places[:2] for places in found}, {("sell", "stock"), ("enrol", "expel")})

    def test_the_fingerprint_is_the_same_with_and_without_optimisation_and_the_option(self):
        noinline = {"inline": "__attribute__((noinline)) static"}
        fingerprints = []
        for flags, options in ((("-O0",), ()), (("-O2",), ()), (("-O2",), ("--wrapper", "box_*"))):
            program = self.compile("same.c", WRAPPED % (C_FUNCTIONS % noinline), *flags)
            _, report = self.run_json("-q", *options, "--", program)
            fingerprints.append(sorted(finding["fingerprint"] for finding in report["findings"]))
        self.assertEqual(fingerprints, [fingerprints[0]] * 3)

    def test_what_works_under_the_lock_is_the_place_unless_the_option_names_it(self):
        source = WRAPPED.replace("%s", """
            typedef struct { pthread_mutex_t m; } box;
            __attribute__((noinline)) static void both(box *a, box *b) {
              pthread_mutex_lock(&a->m); pthread_mutex_lock(&b->m);
              pthread_mutex_unlock(&b->m); pthread_mutex_unlock(&a->m);
            }
            #define TYPE box
            #define LOCK(l) (void)0
            #define UNLOCK(l) (void)0
            #define INIT(l) pthread_mutex_init(&l.m, 0)
            """ + ALLOCATE_C).replace("LOCK(orders->first); LOCK(orders->second); UN", "both(&orders->first, &orders->second); UN") \
            .replace("LOCK(orders->second); LOCK(orders->first); UN", "both(&orders->second, &orders->first); UN")
        program = self.compile("both.c", source)
        for options, place in (((), "both"), (("--wrapper", "bo*"), "sell")):
            _, report = self.run_json("-q", *options, "--", program)
            self.assertIn(place, {step["frame"]["function"] for step in report["findings"][0]["interleaving"]})


FORKS = """
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t held;
static void *writer(void *x) {
  pthread_mutex_lock(&log_lock);
  pthread_barrier_wait(&held);
  pause();
  return x;
}
int main(void) {
  pthread_t thread;
  pthread_barrier_init(&held, 0, 2);
  pthread_create(&thread, 0, writer, 0);
  pthread_setname_np(thread, "log-writer");
  pthread_barrier_wait(&held);
  pid_t child = fork();
  if (!child) { pthread_mutex_lock(&log_lock); _exit(0); }
  waitpid(child, 0, 0);
  _exit(0);
}
"""
# The parent's thread has the lock for as long as the child hangs.
FORKS_PY = """
import os, threading
guard, held, over = threading.Lock(), threading.Event(), threading.Event()
def emitter():
    with guard:
        held.set()
        while not over.wait(0.05):
            pass
threading.Thread(target=emitter, name="emitter").start()
held.wait()
pid = os.fork()
if pid == 0:
    guard.acquire()
    os._exit(0)
print("ended by", os.waitpid(pid, 0)[1])
over.set()
"""
NAMED = """
#define _GNU_SOURCE
#include <pthread.h>
#include <sys/prctl.h>
static pthread_mutex_t first = PTHREAD_MUTEX_INITIALIZER, second = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t both;
static void *backward(void *x) {
  prctl(PR_SET_NAME, "by-itself");
  pthread_mutex_lock(&second); pthread_barrier_wait(&both); pthread_mutex_lock(&first);
  return x;
}
static void *forward(void *x) {
  pthread_barrier_wait(&both);
  pthread_mutex_lock(&first); pthread_barrier_wait(&both); pthread_mutex_lock(&second);
  return x;
}
int main(void) {
  pthread_t a, b;
  pthread_barrier_init(&both, 0, 2);
  pthread_create(&b, 0, forward, 0);
  pthread_setname_np(b, "by-another");
  pthread_barrier_wait(&both);
  pthread_create(&a, 0, backward, 0);
  pthread_join(a, 0);
}
"""


class CauseTest(GordianCase):
    def report_status(self):
        return json.loads((self.folder / "report.json").read_text())["run"]["status"]

    def hang(self, program, rule):
        result, report = self.run_json("--on-deadlock=kill", "--kill-after", PATIENCE, "--", program)
        finding = next(finding for finding in report["findings"] if finding["rule"] == rule)
        return result, finding

    def test_a_fork_while_a_thread_held_the_lock(self):
        _, finding = self.hang(self.compile("forks.c", FORKS, "-D_GNU_SOURCE"), "abandoned-lock")
        self.assertRegex(finding["explanation"],
                         r"pid \d+ was forked at forks\.c:21 by pid \d+ while log-writer \(tid \d+, pid \d+, forks\) held log_lock\. ")
        self.assertIn("_exit()", finding["fix"])

    def test_a_condition_whose_waiter_is_in_the_parent(self):
        result, finding = self.hang(self.sample("condition_destroyed_in_child"), "deadlock")
        self.assertEqual((result.returncode, self.report_status()), (66, "exited 0"), "the parent goes on and ends")
        self.assertRegex(finding["explanation"],
                         r"was forked at condition_destroyed_in_child\.cc:\d+ by pid \d+ while .* waited for queue_ready")

    def test_a_python_lock_while_the_parent_is_busy(self):
        script = self.folder / "forks.py"
        script.write_text(FORKS_PY)
        result, report = self.run_json("--on-deadlock=kill", "--kill-after", PATIENCE, "--", "/usr/bin/python3", script)
        finding = next(finding for finding in report["findings"] if finding["rule"] in ("deadlock", "abandoned-lock"))
        self.assertEqual(result.stdout, "ended by 15\n")
        self.assertRegex(finding["explanation"], r"pid \d+ was forked at .* by pid \d+ while ")

    def test_a_read_lock_taken_twice(self):
        _, finding = self.hang(self.sample("rwlock_read_again_hangs"), "deadlock")
        self.assertTrue(finding["fix"].startswith("Do not take the read lock twice"), finding["fix"])

    def test_names_of_threads_that_hang_and_no_cxx_for_c(self):
        _, finding = self.hang(self.compile("named.c", NAMED), "deadlock")
        names = {thread["name"].split(" (")[0] for thread in finding["threads"]}
        self.assertLessEqual({"by-itself", "by-another"}, names)
        self.assertNotIn("std::", finding["fix"])

    def test_cxx_for_cxx(self):
        _, finding = self.hang(self.sample("deadlock"), "deadlock")
        self.assertIn("std::scoped_lock", finding["fix"])


if __name__ == "__main__":
    unittest.main()
