"""What gordian confirm steers: steps of every kind, cycles that cannot happen, and pauses that end in time."""
import os
import pathlib
import re
import signal
import time
import unittest

import gordian_case
from gordian_case import FREE, ORDERED_BY_DATA, OWN_TIME, GordianCase, OwnSleep, read_line

# A try that hangs at semaphores lasts as long as it may.
gordian_case.PATIENCE = 150
# Main joins, with the lock held, a thread that took it for the last time long before: an atomic flag says so.
JOIN_ORDERED_BY_DATA = """
#include <atomic>
#include <mutex>
#include <thread>
std::mutex jobs;
std::atomic<bool> done{false};
int main() {
  std::thread worker([] {
    { std::scoped_lock<std::mutex> lock(jobs); }
    done = true;
  });
  while (!done) std::this_thread::yield();
  std::scoped_lock<std::mutex> lock(jobs);
  worker.join();
}
"""

# The same two locks in shared memory and two processes.
PROCESSES_ORDERED_BY_DATA = """
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
struct Shared { pthread_mutex_t a, b; volatile int done; };
static void Both(pthread_mutex_t* outer, pthread_mutex_t* inner) {
  pthread_mutex_lock(outer);
  pthread_mutex_lock(inner);
  pthread_mutex_unlock(inner);
  pthread_mutex_unlock(outer);
}
int main(void) {
  struct Shared* s = mmap(0, sizeof *s, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  pthread_mutexattr_t shared;
  pthread_mutexattr_init(&shared);
  pthread_mutexattr_setpshared(&shared, PTHREAD_PROCESS_SHARED);
  pthread_mutex_init(&s->a, &shared);
  pthread_mutex_init(&s->b, &shared);
  if (fork() == 0) {
    Both(&s->a, &s->b);
    s->done = 1;
    _exit(0);
  }
  while (!s->done) sched_yield();
  Both(&s->b, &s->a);
  wait(NULL);
  return 0;
}
"""

FUTEX = "202 "

# A thread stands before its second lock, and nobody ever comes to meet it, while main does what it is told.
STANDS = OWN_TIME + """
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER, b = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t own = PTHREAD_MUTEX_INITIALIZER;
static volatile int stands, stood;
static void Both(pthread_mutex_t* outer, pthread_mutex_t* inner, const char* who) {
  pthread_mutex_lock(outer);
  const long tid = syscall(SYS_gettid), begin = OwnMs(tid);
  printf("%s stands %d %ld\\n", who, getpid(), tid);
  fflush(stdout);
  stands = 1;
  pthread_mutex_lock(inner);
  const long end = OwnMs(tid);
  printf("%s stood %ld until %ld\\n", who, end - begin, end);
  fflush(stdout);
  pthread_mutex_unlock(inner);
  pthread_mutex_unlock(outer);
}
static void* First(void* argument) {
  Both(&a, &b, "first");
  stood = 1;
  return argument;
}
static void* Second(void* argument) {
  while (!stood) sched_yield();
  Both(&b, &a, "second");
  return argument;
}
int main(int count, char** words) {
  pthread_t first, second;
  pthread_create(&first, NULL, First, NULL);
  while (!stands) sched_yield();
  usleep(100000);
  if (count == 2 && strcmp(words[1], "fork") == 0) {
    const pid_t child = fork();
    if (child == 0) {
      Both(&b, &own, "child");
      _exit(0);
    }
    waitpid(child, NULL, 0);
  } else if (count == 2 && strcmp(words[1], "exec") == 0) {
    execl("/proc/self/exe", words[0], "exec", "again", NULL);
  }
  pthread_create(&second, NULL, Second, NULL);
  pthread_join(first, NULL);
  pthread_join(second, NULL);
  return 0;
}
"""

# Threads wait for conditions with a lock held, as half of cycles that an atomic flag makes impossible.
CONDITION_WAITS = """
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
static pthread_mutex_t queue = PTHREAD_MUTEX_INITIALIZER, statistics = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t there = PTHREAD_COND_INITIALIZER, back = PTHREAD_COND_INITIALIZER;
static pthread_cond_t never = PTHREAD_COND_INITIALIZER;
static int turn, waits;
static atomic_int done;
static void* Answer(void* argument) {
  pthread_mutex_lock(&queue);
  pthread_mutex_lock(&statistics);
  for (int i = 0; i < 2000; ++i) {
    while (turn == 0) pthread_cond_wait(&there, &queue);
    turn = 0;
    pthread_cond_signal(&back);
  }
  struct timespec past = {1, 0};
  const int result = pthread_cond_timedwait(&never, &queue, &past);
  printf("late %d held %d\\n", result == ETIMEDOUT, pthread_mutex_trylock(&queue) == EBUSY);
  pthread_mutex_unlock(&statistics);
  pthread_mutex_unlock(&queue);
  return argument;
}
static void Unlock(void* mutex) { pthread_mutex_unlock(mutex); }
static void* Cancelled(void* argument) {
  pthread_mutex_lock(&queue);
  pthread_cleanup_push(Unlock, &queue);
  pthread_mutex_lock(&statistics);
  pthread_cleanup_push(Unlock, &statistics);
  waits = 1;
  for (;;) pthread_cond_wait(&never, &queue);
  pthread_cleanup_pop(0);
  pthread_cleanup_pop(0);
  return argument;
}
static void* Report(void* argument) {
  while (!done) sched_yield();
  pthread_mutex_lock(&queue);
  pthread_mutex_lock(&statistics);
  pthread_mutex_unlock(&statistics);
  pthread_mutex_unlock(&queue);
  return argument;
}
int main(void) {
  pthread_t answer, cancelled, report;
  pthread_create(&report, NULL, Report, NULL);
  pthread_create(&answer, NULL, Answer, NULL);
  for (int i = 0; i < 2000; ++i) {
    pthread_mutex_lock(&queue);
    turn = 1;
    if (i % 2) pthread_cond_signal(&there);
    if (!(i % 2)) pthread_cond_broadcast(&there);
    while (turn == 1) pthread_cond_wait(&back, &queue);
    pthread_mutex_unlock(&queue);
  }
  pthread_join(answer, NULL);
  pthread_create(&cancelled, NULL, Cancelled, NULL);
  for (int waiting = 0; !waiting;) {
    pthread_mutex_lock(&queue);
    waiting = waits;
    pthread_mutex_unlock(&queue);
  }
  pthread_cancel(cancelled);
  pthread_join(cancelled, NULL);
  printf("free %d %d\\n", pthread_mutex_trylock(&queue) == 0, pthread_mutex_trylock(&statistics) == 0);
  pthread_mutex_unlock(&statistics);
  pthread_mutex_unlock(&queue);
  done = 1;
  pthread_join(report, NULL);
  return 0;
}
"""


class SteeringTest(GordianCase):
    def keep(self, *command):
        result = self.gordian("run", "-q", "--out", "kept", "--", *command)
        self.assertIn(result.returncode, (0, 66), result.stderr)

    def test_cycles_of_every_kind(self):
        for sample, rule in (
            ("join_under_lock", "joins"),
            ("join_under_lock_chain", "joins"),
            ("process_abba", "blocks on"),
            ("process_ring_of_kinds", "processes wait for each other"),
            ("process_wait_under_lock", "waits for the end of"),
            ("flock_abba", "blocks on"),
            ("flock_and_mutex", "blocks on"),
            ("rwlock_queue_cycle", "blocks on"),
            ("once_cycle", "blocks on"),
            ("condition_reacquire_signalled", "blocks on"),
            ("cond_reacquire", "blocks on"),
            ("exec_then_cycle", "blocks on"),
            ("fork_child_cycle", "blocks on"),
        ):
            with self.subTest(sample):
                program = self.sample(sample)
                self.gordian("run", "-q", "--out", sample, "--", program)
                # A hang at semaphores is one only by what the kept run showed of them: a try of it takes its time.
                result = self.gordian("confirm", sample, "--timeout", "10", "--", program,
                                      env=self.environment(**FREE))
                self.assertEqual(result.returncode, 66, result.stdout + result.stderr)
                self.assertIn("1 of 1 possible deadlock confirmed", result.stdout)
                self.assertIn(rule, result.stdout)

    def test_an_order_made_by_data_is_never_confirmed(self):
        for name, source in (
            ("ordered.cc", ORDERED_BY_DATA),
            ("join.cc", JOIN_ORDERED_BY_DATA),
            ("processes.c", PROCESSES_ORDERED_BY_DATA),
        ):
            with self.subTest(name):
                program = self.compile(name, source)
                self.gordian("run", "-q", "--out", name + ".kept", "--", program)
                result = self.gordian("confirm", name + ".kept", "--tries", "4", "--", program)
                self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
                self.assertIn("not reproduced: it stays potential", result.stdout)
                self.assertIn("1 of 2 threads stood at their steps", result.stdout)
                self.assertIn("0 of 1 possible deadlock confirmed", result.stdout)

    def test_a_steered_condition_wait_is_still_one(self):
        program = self.compile("waits.c", CONDITION_WAITS)
        self.keep(program)
        result = self.gordian("confirm", "kept", "--tries", "1", "--seed", "4", "--show-output", "--", program)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        found = re.search(r"0 of (\d+) possible deadlocks? confirmed", result.stdout)
        self.assertIsNotNone(found, result.stdout)
        self.assertEqual(result.stdout.count("late 1 held 1\nfree 1 1\n"), int(found.group(1)), result.stdout)
        self.assertRegex(result.stdout, r"\((2[0-9]|[3-9][0-9]) pauses\)")  # the waiter's, after its wake-ups

    def stood(self, output):
        return [int(ms) for ms in re.findall(r"stood (\d+) until", output)]

    def test_no_pause_outlives_its_bound(self):
        program = self.compile("stands.c", STANDS)
        self.keep(program)
        for how in ("", "fork", "exec"):
            with self.subTest(how):
                words = [how] if how else []
                result = self.gordian("confirm", "kept", "--tries", "1", "--seed", "2", "--show-output", "--", program,
                                      *words)
                self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
                self.assertIn("second stood", result.stdout)
                self.assertGreaterEqual(max(self.stood(result.stdout)), 900)  # its pause is 1000
                self.assertLess(max(self.stood(result.stdout)), 2500)

    def test_nor_that_of_a_stopped_program(self):
        program = self.compile("stands.c", STANDS)
        self.keep(program)
        confirm = self.start("confirm", "kept", "--tries", "1", "--seed", "2", "--show-output", "--", program)
        output = ""
        while "first stands" not in output:
            output += read_line(confirm.stdout)
        pid, tid = map(int, re.search(r"first stands (\d+) (\d+)", output).groups())
        waits_in = pathlib.Path(f"/proc/{pid}/task/{tid}/syscall")
        while not waits_in.read_text().startswith(FUTEX):  # the pause has begun
            time.sleep(0.01)
        gordian = int(re.search(r"PPid:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text()).group(1))
        os.kill(pid, signal.SIGSTOP)
        time.sleep(2)  # beyond the end of the pause
        continued = OwnSleep(tid).began / 1e6
        os.kill(pid, signal.SIGCONT)
        os.kill(gordian, signal.SIGCONT)  # it stopped with the program, for whoever controls the job
        while "first stood" not in output:
            output += read_line(confirm.stdout)
        stood_until = int(re.search(r"first stood \d+ until (\d+)", output).group(1))
        self.assertLess(stood_until - continued, 900)  # its pause, which is 1000, is not begun again
        self.assertIn("0 of 1 possible deadlock confirmed", confirm.communicate(timeout=gordian_case.PATIENCE)[0])


if __name__ == "__main__":
    unittest.main()
