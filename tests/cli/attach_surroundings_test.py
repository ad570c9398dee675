"""`gordian attach` where processes are many, come and go, or live in namespaces and roots of their own."""
import os
import pathlib
import resource
import shutil
import signal
import subprocess
import unittest

from cli.attach_case import FUTEX, AttachCase, children, functions, look, queues, switches, tasks, until, verdicts
from cli.gordian_case import GORDIAN, rules

IS_ROOT = os.geteuid() == 0

# Two threads wait for each other, and the given number of others for one of them.
CROWD = r"""
    #include <pthread.h>
    #include <stdlib.h>
    pthread_mutex_t first = PTHREAD_MUTEX_INITIALIZER, second = PTHREAD_MUTEX_INITIALIZER;
    pthread_barrier_t barrier;
    void* Wait(void* lock) { pthread_mutex_lock(lock); return 0; }
    void* Meet(void* own) {
      pthread_mutex_lock(own);
      pthread_barrier_wait(&barrier);
      return Wait(own == &first ? &second : &first);
    }
    int main(int argc, char** argv) {
      pthread_t thread;
      pthread_attr_t small;
      pthread_attr_init(&small);
      pthread_attr_setstacksize(&small, 65536);
      pthread_barrier_init(&barrier, 0, 3);
      pthread_create(&thread, &small, Meet, &first);
      pthread_create(&thread, &small, Meet, &second);
      pthread_barrier_wait(&barrier);
      for (int i = 0; argc > 1 && i < atoi(argv[1]); ++i) pthread_create(&thread, &small, Wait, &first);
      pthread_join(thread, 0);
    }
    """


def inner(pid):
    """Its number in its own namespace."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("NSpid:")).split()[-1])


def most_threads():
    """How many this user and its control group may have."""
    group = pathlib.Path("/proc/self/cgroup").read_text().splitlines()
    limits = [resource.getrlimit(resource.RLIMIT_NPROC)[0], int(pathlib.Path("/proc/sys/kernel/pid_max").read_text())]
    for line in group:
        _, kinds, path = line.split(":", 2)
        for file in pathlib.Path("/sys/fs/cgroup", kinds).joinpath(path.lstrip("/")).glob("pids.max"):
            limits.append(file.read_text().strip())
    return min(int(limit) for limit in limits if limit not in ("max", resource.RLIM_INFINITY))


class CrowdTest(AttachCase):
    def crowd(self, count):
        process = self.run_alone(self.compile("crowd.c", CROWD), count)
        until(lambda: len(tasks(process.pid)) == count + 3 and sum(queues(process.pid, tid) for tid in tasks(process.pid))
              == count + 2)
        return process

    def measured(self, count):
        """What gordian said of so many threads, and what it used for that."""
        process = self.crowd(count - 3)
        before = switches(process.pid)
        gordian = subprocess.Popen([GORDIAN, "attach", str(process.pid)], cwd=self.folder, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, text=True)
        text = gordian.stdout.read()
        gordian.stdout.close()
        _, status, usage = os.wait4(gordian.pid, 0)
        gordian.returncode = os.waitstatus_to_exitcode(status)
        self.assertEqual(gordian.returncode, 66)
        self.assertEqual(switches(process.pid), before)
        self.end_group(process)
        return text, usage

    @unittest.skipIf(os.environ.get("GORDIAN_SANITIZE"), "a sanitizer needs memory of its own")
    def test_five_hundred_threads_in_little_memory(self):
        text, usage = self.measured(500)
        self.assertIn("500 threads", text)
        self.assertLess(usage.ru_maxrss, 100 * 1024)  # KiB

    @unittest.skipIf(os.environ.get("GORDIAN_SANITIZE"), "a sanitizer needs memory of its own")
    @unittest.skipUnless(most_threads() > 12000, "no room for so many threads here")
    def test_ten_thousand_threads(self):
        """They are told, those behind the deadlock as one group, in a time and a memory that grow with their number."""
        _, of_a_tenth = self.measured(1000)
        text, usage = self.measured(10000)
        self.assertIn("10000 threads", text)
        self.assertLess(len(text.splitlines()), 100)
        self.assertLess(usage.ru_maxrss, 200 * 1024)  # KiB
        self.assertLess(usage.ru_utime + usage.ru_stime, 3 * 10 * (of_a_tenth.ru_utime + of_a_tenth.ru_stime))

    def test_threads_that_end_while_they_are_read(self):
        program = self.compile("short.c", r"""
            #include <pthread.h>
            void* Nothing(void* unused) { return unused; }
            int main(void) {
              for (;;) {
                pthread_t threads[8];
                for (int i = 0; i < 8; ++i) pthread_create(&threads[i], 0, Nothing, 0);
                for (int i = 0; i < 8; ++i) pthread_join(threads[i], 0);
              }
            }
            """)
        process = self.run_alone(program)
        until(lambda: len(tasks(process.pid)) > 1)
        for _ in range(5):
            result, report = self.attach(process.pid)
            self.assertEqual((result.returncode, rules(report)), (0, []))

    def test_it_leaves_nothing_stopped_when_it_is_broken_off(self):
        process = self.crowd(20)
        gordian = self.start("attach", process.pid)
        until(lambda: pathlib.Path(f"/proc/{gordian.pid}/exe").resolve().name == "gordian")
        gordian.send_signal(signal.SIGINT)
        gordian.wait()
        self.assertEqual({look(process.pid, tid) for tid in tasks(process.pid)}, {("S", FUTEX)})


@unittest.skipUnless(IS_ROOT and shutil.which("unshare"), "needs root for namespaces")
class NamespaceTest(AttachCase):
    def test_a_pid_namespace(self):
        """The C library writes down numbers that mean nothing outside."""
        program = self.compile("crowd.c", CROWD)
        outer = self.run_alone("unshare", "--pid", "--mount-proc", "--fork", program)
        [pid] = until(lambda: children(outer.pid))
        until(lambda: len(tasks(pid)) == 3 and sum(queues(pid, tid) for tid in tasks(pid)) == 2)
        self.assertEqual(inner(pid), 1)
        result, report = self.attach(pid)
        self.assertEqual((result.returncode, rules(report)), (66, ["deadlock"]))
        self.assertEqual({thread["tid"] for thread in report["findings"][0]["threads"]}, set(tasks(pid)))
        self.assertEqual(verdicts(report, pid), ["deadlock"] * 3)

    def test_another_root(self):
        """Names come from the files that the process sees, not from ours with the same paths."""
        root = self.folder / "root"
        program = self.compile("crowd.c", CROWD, "-Wl,--disable-new-dtags")
        needed = [word for line in subprocess.run(["ldd", program], check=True, capture_output=True, text=True).stdout.splitlines()
                  for word in line.split() if word.startswith("/")]
        for file in needed:
            copy = root / file.lstrip("/")
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(os.path.realpath(file), copy)
        shutil.copy(program, root / "inside")
        process = self.run_alone("chroot", root, "/inside")
        until(lambda: len(tasks(process.pid)) == 3 and sum(queues(process.pid, tid) for tid in tasks(process.pid)) == 2)
        result, report = self.attach(process.pid)
        self.assertEqual((result.returncode, rules(report)), (66, ["deadlock"]))
        self.assertEqual({lock["name"] for lock in report["findings"][0]["locks"]}, {"first", "second"})
        self.assertEqual(report["coverage"]["unseen"], [])


class OtherLibraryTest(AttachCase):
    """musl keeps its owners elsewhere. No owner is guessed; that nobody is left to wake them is seen all the same. It has
    no unwind tables either: who called it is searched."""

    def explained(self, process):
        until(lambda: [look(process.pid, tid) for tid in tasks(process.pid)] == [("S", FUTEX)] * 3)
        result, report = self.attach(process.pid)
        self.assertEqual((result.returncode, rules(report)), (66, ["deadlock"]), result.stdout)
        self.assertEqual([thread["holds"] for thread in report["findings"][0]["threads"]], [[]] * 3)
        for thread in report["snapshot"][0]["threads"]:
            self.assertIn("whose owner is not known", thread["what"])
            waiting, *callers = thread["stack"]
            self.assertFalse(waiting.get("inexact"))
            self.assertTrue(all(frame.get("inexact") for frame in callers))
            if thread["tid"] != process.pid:
                self.assertRegex(thread["what"], r"^waits for a futex in (first|second)\b")
            names = [name for name in functions(callers) if name in ("main", "Wait", "Meet")]
            self.assertEqual(names, ["main"] if thread["tid"] == process.pid else ["Wait", "Meet"])
        # Debian's library has only its public names: what has none is not called after the next one before it.
        self.assertNotIn("memset", result.stdout)

    def test_musl_within_the_program(self):
        for flag in ("-O0", "-O2"):
            with self.subTest(flag):
                self.explained(self.run_alone(self.compile("crowd.c", CROWD, "-static", flag, compiler="musl-gcc")))

    @unittest.skipUnless(IS_ROOT, "needs root for chroot")
    def test_musl_in_another_root(self):
        """As in a container of Alpine Linux: there is no such loader outside."""
        root = self.folder / "root"
        (root / "lib").mkdir(parents=True)
        program = self.compile("crowd.c", CROWD, "-Wl,--dynamic-linker=/lib/ld-elsewhere.so.1", compiler="musl-gcc")
        shutil.copy(os.path.realpath("/lib/ld-musl-x86_64.so.1"), root / "lib" / "ld-elsewhere.so.1")
        shutil.copy(program, root / "inside")
        self.explained(self.run_alone("chroot", root, "/inside"))


def hierarchy():
    """A folder in which control groups can be made, None where there is none."""
    for folder in (pathlib.Path("/sys/fs/cgroup"), pathlib.Path("/sys/fs/cgroup/freezer")):
        if (folder / "cgroup.procs").exists() and os.access(folder, os.W_OK):
            return folder
    return None


@unittest.skipUnless(IS_ROOT and hierarchy(), "needs root and a writable control group")
class ControlGroupTest(AttachCase):
    def test_all_of_a_group_and_below(self):
        group = hierarchy() / f"gordian-test-{os.getpid()}"
        below = group / "below"
        for folder in (group, below):
            folder.mkdir()
            self.addCleanup(lambda folder=folder: until(lambda: not (folder / "cgroup.procs").read_text()) and folder.rmdir())
        program = self.compile("crowd.c", CROWD)
        processes = [self.run_alone(program) for _ in range(2)]
        for process, folder in zip(processes, (group, below)):
            (folder / "cgroup.procs").write_text(str(process.pid))
            until(lambda: len(tasks(process.pid)) == 3 and sum(queues(process.pid, tid) for tid in tasks(process.pid)) == 2)
        # By its folder, from the root of all, and as /proc/PID/cgroup names it.
        for name in (group, group.relative_to("/sys/fs/cgroup"), f"/{group.name}"):
            result, report = self.attach("--cgroup", name)
            self.assertEqual((result.returncode, set(rules(report))), (66, {"deadlock"}), result.stderr)
            self.assertEqual({process["pid"] for process in report["snapshot"]}, {process.pid for process in processes})
        result, _ = self.attach("--cgroup", group / "nothing")
        self.assertEqual(result.returncode, 3)
        self.assertIn("no process in that control group", result.stderr)


if __name__ == "__main__":
    unittest.main()
