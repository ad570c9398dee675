"""Only LD_PRELOAD is set: the shim starts a watcher, which reports on stderr and is not in the way."""
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import time
import unittest

from gordian_case import GORDIAN, PATIENCE, SHIM, GordianCase, rules


def run_folders(pid):
    """Of the run that this process began: other tests have theirs at the same time."""
    return list(pathlib.Path(f"/dev/shm/gordian-{os.geteuid()}").glob(f"run-{pid}-*"))


class BarePreloadTest(GordianCase):
    def bare(self, *command, options=None, **more):
        """Runs a command with the shim alone; returns when the watcher has closed its stderr, too."""
        environment = self.environment(LD_PRELOAD=SHIM)
        if options is not None:
            environment["GORDIAN_OPTIONS"] = options
        return subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=PATIENCE, env=environment,
                              cwd=self.folder, **more)

    def test_the_report_comes_on_stderr(self):
        result = self.bare(self.sample("abba"))
        self.assertEqual(result.returncode, 0)
        self.assertIn("lock-order-cycle", result.stderr)
        self.assertEqual(len([line for line in result.stderr.splitlines() if line.startswith("gordian:")]), 1)
        self.assertNotIn("gordian", result.stdout)

    def test_a_clean_program_gives_one_line(self):
        result = self.bare("true")
        self.assertEqual(len(result.stderr.splitlines()), 1, result.stderr)

    def test_one_watcher_a_tree(self):
        result = self.bare("sh", "-c", "true; (true); sh -c 'true; true'")
        self.assertEqual(len(result.stderr.splitlines()), 1, result.stderr)

    def test_a_run_of_another_pid_namespace_is_not_its_own(self):
        # Its pid 1 is another process than this one's, which may have made no run at all.
        base = pathlib.Path(f"/dev/shm/gordian-{os.geteuid()}")
        base.mkdir(mode=0o700, exist_ok=True)
        there = os.stat("/proc/self/ns/pid").st_ino + 1
        foreign = base / f"run-1-{time.monotonic_ns()}-{there}"
        foreign.mkdir(mode=0o700)
        self.addCleanup(shutil.rmtree, foreign, ignore_errors=True)
        self.assertIn("lock-order-cycle", self.bare(self.sample("abba")).stderr)
        self.assertEqual(list(foreign.iterdir()), [])

    def test_files_by_options(self):
        result = self.bare(self.sample("abba"), options="json=report.json:text=report.txt:out=kept:grace_ms=100")
        self.assertEqual(result.stderr, "")
        self.assertIn("lock-order-cycle", rules(json.loads((self.folder / "report.json").read_text())))
        self.assertIn("lock-order-cycle", (self.folder / "report.txt").read_text())
        self.assertEqual(self.gordian("report", "kept").returncode, 66)

    def test_record_only(self):
        result = self.bare(self.sample("abba"), options="watch=0:out=kept")
        self.assertEqual(result.stderr, "")
        report = self.gordian("report", "kept")
        self.assertEqual(report.returncode, 66, report.stderr)

    def test_help_and_unknown_keys(self):
        result = self.bare("true", options="help=1:no_such_key=1")
        self.assertIn("unknown key", result.stderr)
        self.assertIn("no_such_key", result.stderr)
        rows = [line for line in result.stderr.splitlines() if line.startswith("  ")]
        helps = {re.match(r"  [a-z_]+=\S+  +", row).end() for row in rows}
        self.assertEqual(len(helps), 1, "one column of explanations:\n" + result.stderr)
        self.assertIn("  grace_ms=N ", result.stderr)

    def test_the_colons_of_a_name_end_no_option(self):
        result = self.bare(self.sample("abba"), options="wrapper=Storage::With*:wrapper=a::b::c:format=short")
        self.assertNotIn("GORDIAN_OPTIONS", result.stderr)
        self.assertRegex(result.stderr, r"(?m)^\S+abba\.cc:\d+: error: lock-order-cycle: ")

    def test_a_reader_of_stdout_does_not_wait_for_the_watcher(self):
        # The tree lives on until its stdin ends, and with it the watcher; stdout ends before.
        ours = os.pipe()
        self.addCleanup(os.close, ours[1])
        process = subprocess.Popen(
            ["sh", "-c", f"LD_PRELOAD={SHIM} sh -c 'exec 3<&0; cat <&3 >/dev/null 2>&1 & echo out' 2>/dev/null | cat"],
            stdin=ours[0], stdout=subprocess.PIPE, text=True, env=self.environment())
        os.close(ours[0])
        self.addCleanup(self.end, process)
        self.assertEqual(process.communicate(timeout=PATIENCE), ("out\n", None))

    def test_it_ends_with_the_last_process(self):
        # Whatever it might wait for is over first.
        result = self.bare("sh", "-c", f"echo $$; ls -d /dev/shm/gordian-{os.geteuid()}/run-$$-*; sleep 0.5",
                           options=f"grace_ms={10 * PATIENCE * 1000}")
        pid, folder = result.stdout.split()
        self.assertTrue(folder.startswith(f"/dev/shm/gordian-{os.geteuid()}/run-{pid}-"))
        self.assertEqual(run_folders(pid), [])

    def test_a_hang_is_told_while_it_lasts(self):
        environment = self.environment(LD_PRELOAD=SHIM)
        process = subprocess.Popen([self.sample("deadlock")], stderr=subprocess.PIPE, text=True, env=environment)
        self.addCleanup(self.end, process)
        self.assertIn("deadlock", process.stderr.readline())
        self.assertIsNone(process.poll())

    def test_a_zombie_is_found_without_being_the_parent(self):
        result = self.bare("/usr/bin/python3", "-c", "import subprocess, time; p = subprocess.Popen(['true']); time.sleep(1.5)",
                           options="grace_ms=500:json=report.json")
        self.assertEqual(result.returncode, 0)
        self.assertIn("child-zombie", rules(json.loads((self.folder / "report.json").read_text())))

    def test_the_summary_says_how_the_program_ended(self):
        program = self.compile("ends.c", """
            #include <signal.h>
            #include <stdlib.h>
            #include <unistd.h>
            int main(int argc, char** argv) {
              (void)argc;
              switch (argv[1][0]) {
                case 'r': return 3;
                case 'e': exit(4);
                case '_': _exit(5);
                case 'q': quick_exit(6);
                case 'a': abort();
                case 'x': execl(argv[0], argv[0], "return", (char*)0); break;
                default: kill(getpid(), SIGKILL);
              }
              return 99;
            }
        """)
        for way, status, said in (("return", 3, "3"), ("exit", 4, "4"), ("_exit", 5, "5"), ("quick_exit", 6, "6"),
                                  ("abort", -signal.SIGABRT, "134"), ("x", 3, "3"),
                                  ("killed", -signal.SIGKILL, "unknown")):
            with self.subTest(way):
                result = self.bare(program, way)
                self.assertEqual(result.returncode, status)
                self.assertTrue(result.stderr.endswith(f" (exit {said})\n"), result.stderr)

    def test_also_when_it_has_ended_before_the_watcher_looks(self):
        program = self.compile("three.c", "int main(void) { return 3; }")
        installed = self.folder / "installed"
        (installed / "bin").mkdir(parents=True)
        (installed / "lib").mkdir()
        shutil.copy(SHIM, installed / "lib")
        command = installed / "bin" / "gordian"
        command.write_text(f"#!/bin/sh\nwhile test -d /proc/$3; do sleep 0.01; done\nexec {GORDIAN} \"$@\"\n")
        command.chmod(0o755)
        shim = installed / "lib" / os.path.basename(SHIM)
        result = subprocess.run(["sh", "-c", f"LD_PRELOAD={shim} {program}; echo $?"], capture_output=True, text=True,
                                timeout=PATIENCE, env=self.environment())
        self.assertEqual(result.stdout, "3\n", result.stderr)
        self.assertTrue(result.stderr.endswith(" in 1 process, 1 thread (exit 3)\n"), result.stderr)

    def waits(self):
        """A program that has a child, of a thread of its own, and waits in every way until none is left."""
        return self.compile("waits.c", """
            #define _GNU_SOURCE
            #include <errno.h>
            #include <pthread.h>
            #include <stdio.h>
            #include <string.h>
            #include <sys/prctl.h>
            #include <sys/wait.h>
            #include <unistd.h>
            static pid_t child;
            static pthread_barrier_t forked;
            static void* other(void* unused) {
              if ((child = fork()) == 0) _exit(7);
              pthread_barrier_wait(&forked);
              pause();  // its children are listed with it, as long as it lives
              return unused;
            }
            int main(int argc, char** argv) {
              if (argc > 1 && strcmp(argv[1], "subreaper") == 0) {
                prctl(PR_SET_CHILD_SUBREAPER, 1);
                execl(argv[0], argv[0], "under", (char*)0);
              }
              if (argc > 1 && strcmp(argv[1], "exec") == 0) execl(argv[0], argv[0], (char*)0);
              int status;
              siginfo_t info;
              int is_subreaper = 0;
              pthread_t thread;
              pthread_barrier_init(&forked, NULL, 2);
              pthread_create(&thread, NULL, other, NULL);
              pthread_detach(thread);
              pthread_barrier_wait(&forked);
              if (wait(&status) != child || WEXITSTATUS(status) != 7) return 1;
              if (wait(&status) != -1 || errno != ECHILD) return 2;
              if (waitpid(-1, &status, WNOHANG) != -1 || errno != ECHILD) return 3;
              if (waitid(P_ALL, 0, &info, WEXITED) != -1 || errno != ECHILD) return 4;
              if (wait3(&status, 0, NULL) != -1 || errno != ECHILD) return 5;
              if (wait4(-1, &status, 0, NULL) != -1 || errno != ECHILD) return 6;
              prctl(PR_GET_CHILD_SUBREAPER, &is_subreaper);
              printf("alone, subreaper %d\\n", is_subreaper);
              return 0;
            }
        """)

    def test_the_program_never_sees_it(self):
        result = self.bare(self.waits())
        self.assertEqual((result.returncode, result.stdout), (0, "alone, subreaper 0\n"))

    def test_a_child_subreaper_never_sees_it(self):
        # The first image does not know the shim; the second begins as a subreaper.
        result = subprocess.run([self.waits(), "subreaper"], capture_output=True, text=True, timeout=PATIENCE,
                                env=self.environment())
        self.assertEqual((result.returncode, result.stdout), (0, "alone, subreaper 1\n"))
        launcher = self.compile("launch.c", """
            #define _GNU_SOURCE
            #include <stdlib.h>
            #include <sys/prctl.h>
            #include <unistd.h>
            int main(int argc, char** argv) {
              (void)argc;
              prctl(PR_SET_CHILD_SUBREAPER, 1);
              setenv("LD_PRELOAD", argv[1], 1);
              execv(argv[2], argv + 2);
              return 127;
            }
        """)
        result = subprocess.run([launcher, SHIM, self.waits()], capture_output=True, text=True, timeout=PATIENCE,
                                env=self.environment())
        self.assertEqual((result.returncode, result.stdout), (0, "alone, subreaper 1\n"), result.stderr)
        self.assertIn("(exit 0)", result.stderr)

    def test_a_child_without_the_options_is_watched_with_its_parent(self):
        for command in (["sh", "-c", f"env -u GORDIAN_OPTIONS {self.sample('abba')}; exit 3"],
                        ["env", "-u", "GORDIAN_OPTIONS", self.sample("abba")],
                        ["sh", "-c", f"env -u GORDIAN_OPTIONS sh -c '(true); {self.sample('abba')}'; true"]):
            with self.subTest(command):
                result = self.bare(*command)
                lines = [line for line in result.stderr.splitlines() if line.startswith("gordian:")]
                self.assertEqual(len(lines), 1, result.stderr)
                self.assertRegex(lines[0], "^gordian: 1 error, ")
        result = self.gordian("run", "--", "env", "-u", "GORDIAN_OPTIONS", self.sample("abba"))
        self.assertEqual(result.returncode, 66, result.stderr)
        self.assertEqual(result.stderr.count("gordian:"), 1, result.stderr)

    def test_a_child_with_options_of_its_own_is_a_run_of_its_own(self):
        result = self.bare("sh", "-c", f"GORDIAN_OPTIONS=json=own.json {self.sample('abba')}; true")
        self.assertIn("gordian: 0 errors", result.stderr)
        self.assertIn("lock-order-cycle", rules(json.loads((self.folder / "own.json").read_text())))

    def test_a_closed_stderr_is_no_concern(self):
        program = self.compile("closed.c", """
            #include <fcntl.h>
            #include <unistd.h>
            int main(void) { return fcntl(2, F_GETFD) == -1 && write(2, "lost", 4) == -1 ? 0 : 1; }
        """)
        for command in (program, self.sample("abba")):
            result = subprocess.run(
                ["sh", "-c", f"LD_PRELOAD={SHIM} GORDIAN_OPTIONS=json=report.json {command} 2>&- | cat"],
                capture_output=True, text=True, timeout=PATIENCE, env=self.environment(), cwd=self.folder)
            self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.wait_for_json("report.json")

    def wait_for_json(self, name):
        """The report of a watcher that nobody can wait for by reading what it holds open."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            try:
                return json.loads((self.folder / name).read_text())
            except (OSError, ValueError):
                time.sleep(0.02)
        return json.loads((self.folder / name).read_text())

    def as_pid_1(self, *command):
        """Runs a command as the first process of a pid namespace of its own."""
        inside = ["unshare", "--pid", "--fork", "--mount-proc", "env", f"LD_PRELOAD={SHIM}", *map(str, command)]
        return subprocess.run(inside, capture_output=True, text=True, timeout=PATIENCE, env=self.environment(),
                              cwd=self.folder)

    @unittest.skipUnless(os.geteuid() == 0, "a pid namespace needs root; scripts/test runs as root")
    def test_pid_1_waits_for_its_report(self):
        result = self.as_pid_1(self.sample("abba"))
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("lock-order-cycle", result.stderr)
        self.assertIn(" in 1 process, ", result.stderr)
        self.assertNotIn("Coverage", result.stderr)
        # Also when the image that started the watcher is not the one that ends.
        result = self.as_pid_1("sh", "-c", f"exec {self.sample('abba')}")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("lock-order-cycle", result.stderr)

    @unittest.skipUnless(os.geteuid() == 0, "a pid namespace needs root; scripts/test runs as root")
    def test_pid_1_never_sees_it(self):
        for how in ("at once", "exec"):
            with self.subTest(how):
                result = self.as_pid_1(self.waits(), how)
                self.assertEqual((result.returncode, result.stdout), (0, "alone, subreaper 0\n"), result.stderr)
                self.assertIn("(exit 0)", result.stderr)


if __name__ == "__main__":
    unittest.main()
