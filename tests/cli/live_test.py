"""What gordian tells and does while the program runs."""
import os
import re
import resource
import time
import unittest

from attach_case import FUTEX, AttachCase, children
from gordian_case import PATIENCE, OwnSleep, read_line, rules

# Two threads that have each other's lock, and a third that is busy and behind nothing.
DEADLOCK = """
    #include <pthread.h>
    #include <stdio.h>
    #include <unistd.h>
    static pthread_mutex_t first = PTHREAD_MUTEX_INITIALIZER, second = PTHREAD_MUTEX_INITIALIZER;
    static pthread_barrier_t both;
    static void* Other(void* unused) {
      pthread_mutex_lock(&second);
      pthread_barrier_wait(&both);
      pthread_mutex_lock(&first);
      return unused;
    }
    int main(void) {
      pthread_t other;
      pthread_barrier_init(&both, 0, 2);
      pthread_create(&other, 0, Other, 0);
      pthread_mutex_lock(&first);
      pthread_barrier_wait(&both);
      puts("now");
      fflush(stdout);
      pthread_mutex_lock(&second);
      return 0;
    }
"""


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


class LiveTest(AttachCase):
    def test_a_deadlock_is_told_within_two_seconds_while_the_program_hangs(self):
        program = self.compile("hang.c", DEADLOCK)
        process = self.start("run", "--kill-after", PATIENCE, "--", program)
        self.assertEqual(read_line(process.stdout), "now\n")
        hanging, = [pid for pid in children(process.pid) if os.readlink(f"/proc/{pid}/exe") == program]
        self.comes_to_rest(hanging, [FUTEX, FUTEX], queued=2)
        sleep = OwnSleep(process.pid)
        line = read_line(process.stderr)
        self.assertLess(sleep.seconds(), 2)
        self.assertIn("deadlock", line)
        self.assertIsNone(process.poll())
        # Gordian hands the signal on; killed, it would leave the program hanging.
        process.terminate()
        process.communicate(timeout=PATIENCE)

    def test_told_once(self):
        program = self.compile("hang.c", DEADLOCK)
        result = self.gordian("run", "--kill-after", "4", "--", program)
        self.assertEqual(result.returncode, 124)
        self.assertEqual(len(re.findall(r"Fingerprint", result.stderr)), 1, result.stderr)
        self.assertRegex(result.stderr.splitlines()[-1], r"1 error\b.*exit 124")

    def test_kill_tree_ends_the_whole_tree(self):
        program = self.compile("hang.c", DEADLOCK)
        result, report = self.run_json("--on-deadlock=kill-tree", "--", "sh", "-c", f"sleep 1000 & echo $!; {program}; echo not here")
        self.assertEqual(result.returncode, 66)
        self.assertEqual(rules(report), ["deadlock"])
        lines = result.stdout.splitlines()
        self.assertNotIn("not here", lines)
        with self.assertRaises(FileNotFoundError):
            open(f"/proc/{lines[0]}/stat")

    def test_core_ends_the_hanging_process_by_abort(self):
        program = self.compile("hang.c", DEADLOCK)
        result = self.gordian("run", "-q", "--on-deadlock=core", "--", "sh", "-c", f"trap 'echo code $?' EXIT; {program}; echo code $?",
                              preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (0, 0)))
        self.assertEqual(result.returncode, 66)
        self.assertEqual(result.stdout, "now\n")  # the shell did not get to act on it

    def test_dump_after_prints_every_thread_once(self):
        program = self.compile("hang.c", DEADLOCK)
        result = self.gordian("run", "-q", "--dump-after", "2", "--kill-after", "3", "--", program)
        self.assertEqual(result.returncode, 124)
        self.assertEqual(len(re.findall(r"gordian: what every thread does after", result.stderr)), 1)
        text = " ".join(result.stderr.split())
        for held, wanted in (("first", "second"), ("second", "first")):
            self.assertRegex(text, rf"DEADLOCK [^:]*: waits for mutex {wanted}, held by [^;]*; holds mutex {held}, "
                                   r"taken at hang\.c:\d+")
        self.assertRegex(result.stderr, r"Other\s+\S*hang\.c:\d+")

    def test_dump_after_has_a_verdict_for_everybody(self):
        program = self.compile("all.c", """
            #include <pthread.h>
            #include <stdio.h>
            #include <unistd.h>
            static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
            static void* Leave(void* unused) { pthread_mutex_lock(&lock); return unused; }
            static void* Wait(void* unused) { pthread_mutex_lock(&lock); return unused; }
            static void* Spin(void* unused) { for (;;) __asm__ volatile(""); return unused; }
            int main(void) {
              pthread_t thread;
              if (fork() == 0) execlp("sleep", "sleep", "1001", NULL);
              pthread_create(&thread, 0, Leave, 0);
              pthread_join(thread, 0);
              pthread_create(&thread, 0, Wait, 0);
              pthread_create(&thread, 0, Spin, 0);
              return getchar();
            }
        """)
        ours = os.pipe()
        self.addCleanup(os.close, ours[0])
        self.addCleanup(os.close, ours[1])
        result = self.gordian("run", "-q", "--dump-after", "2", "--kill-after", "3", "--", program, stdin=ours[0])
        text = " ".join(result.stderr.split())
        self.assertRegex(text, r"OWNER GONE [^:]*: waits for mutex lock")
        self.assertRegex(text, r"WAITING OUTSIDE main: is in read of fd 0, a pipe")
        self.assertRegex(text, r"PROGRESSING [^:]*: runs")
        self.assertRegex(text, r"pid \d+ sleep 1001: 1 thread WAITING OUTSIDE [^:]*: sleeps")

    # A worker is killed inside the mutex, main works on, another worker waits for the mutex.
    KILLED = """
        #include <pthread.h>
        #include <signal.h>
        #include <stdio.h>
        #include <sys/mman.h>
        #include <sys/wait.h>
        #include <unistd.h>
        int main(void) {
          int inside[2];
          char byte;
          pthread_mutex_t* mutex = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
          pthread_mutexattr_t shared;
          pthread_mutexattr_init(&shared);
          pthread_mutexattr_setpshared(&shared, PTHREAD_PROCESS_SHARED);
          pthread_mutex_init(mutex, &shared);
          if (pipe(inside) != 0) return 1;
          pid_t worker = fork();
          if (worker == 0) {
            pthread_mutex_lock(mutex);
            if (write(inside[1], "", 1) == 1) pause();
          }
          if (read(inside[0], &byte, 1) != 1) return 1;
          kill(worker, SIGKILL);
          waitpid(worker, 0, 0);
          pid_t next = fork();
          if (next == 0) {
            pthread_mutex_lock(mutex);
            pthread_mutex_unlock(mutex);
            _exit(0);
          }
          %s
        }
    """

    def test_a_killed_holder_is_told_while_others_work(self):
        program = self.compile("killed.c", self.KILLED % """
          if (getchar() != EOF) return 1;
          kill(next, SIGKILL);
          return waitpid(next, 0, 0) != next;
        """)
        process = self.start("run", "--on-deadlock=kill", "--", program, stdin=-1)
        line = read_line(process.stderr)
        self.assertIn("ERROR lock-held-by-killed-process", line)
        self.assertIsNone(process.poll())  # main may mend it
        _, errors = process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, 66, errors)

    def test_a_killed_holder_is_told_before_the_run_is_ended_for_its_time(self):
        program = self.compile("killed.c", self.KILLED % "return waitpid(next, 0, 0) != next;")
        result, report = self.run_json("--kill-after", "3", "--", program)
        self.assertEqual((result.returncode, rules(report)), (124, ["lock-held-by-killed-process"]), result.stderr)
        text = " ".join(result.stderr.split())
        self.assertRegex(text, r"Process \d+, .* ended by SIGKILL from main")
        self.assertNotIn("mistake of its own", text)
        self.assertEqual([t["role"] for t in report["findings"][0]["threads"]].count("waits for it"), 1)

    def test_contention_is_no_deadlock(self):
        program = self.compile("busy.c", """
            #include <pthread.h>
            #include <unistd.h>
            static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
            static void* Work(void* unused) {
              for (int i = 0; i < 3; ++i) {
                pthread_mutex_lock(&lock);
                usleep(300000);
                pthread_mutex_unlock(&lock);
                usleep(1000);
              }
              return unused;
            }
            int main(void) {
              pthread_t threads[3];
              for (int i = 0; i < 3; ++i) pthread_create(&threads[i], 0, Work, 0);
              for (int i = 0; i < 3; ++i) pthread_join(threads[i], 0);
              return 0;
            }
        """)
        result, report = self.run_json("--", program)
        self.assertEqual((result.returncode, rules(report)), (0, ["blocking-while-locked"]), result.stderr)

    def test_gordian_is_idle_beside_an_idle_program(self):
        process = self.start("run", "-q", "--", "/usr/bin/python3", "-c", """
import threading
stop = threading.Event()
for _ in range(50):
    threading.Thread(target=stop.wait, daemon=True).start()
print("ready", flush=True)
input()
""", stdin=-1)
        self.assertEqual(read_line(process.stdout), "ready\n")
        before, start = cpu_seconds(process.pid), time.monotonic()
        time.sleep(5)
        used = (cpu_seconds(process.pid) - before) / (time.monotonic() - start)
        process.communicate("\n", timeout=PATIENCE)
        self.assertLess(used, 0.1)

    def test_grace_is_for_descendants_and_they_live_on(self):
        result, report = self.run_json("-q", "--grace-ms", "400", "--", "sh", "-c", "sleep 1001 >/dev/null 2>&1 & echo $!; exit 3")
        self.assertEqual(result.returncode, 3)
        pid = int(result.stdout)
        with open(f"/proc/{pid}/comm") as comm:
            self.assertEqual(comm.read(), "sleep\n")

        os.kill(pid, 9)
        self.assertIn("child-orphan", rules(report))
        self.assertIn("sleep 1001", " ".join(report["coverage"]["unseen"]))

    def test_no_wait_when_nobody_is_left(self):
        self.gordian("run", "-q", "--grace-ms", 10 * PATIENCE * 1000, "--", "sh", "-c", "sleep 0.3 & exit 0")


if __name__ == "__main__":
    unittest.main()
