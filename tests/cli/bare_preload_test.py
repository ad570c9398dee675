"""Only LD_PRELOAD is set: the shim starts a watcher, which reports on stderr and is not in the way."""
import json
import os
import pathlib
import subprocess
import time
import unittest

from gordian_case import PATIENCE, SHIM, GordianCase, rules


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
        self.assertIn("grace_ms", result.stderr)
        self.assertIn("unknown key", result.stderr)
        self.assertIn("no_such_key", result.stderr)

    def test_a_reader_of_stdout_does_not_wait_for_the_watcher(self):
        # The tree lives on for a while, and with it the watcher; stdout was closed by then.
        start = time.monotonic()
        result = subprocess.run(
            ["sh", "-c", f"LD_PRELOAD={SHIM} sh -c 'sleep 4 >/dev/null 2>&1 & echo out' 2>/dev/null | cat"],
            capture_output=True, text=True, timeout=PATIENCE, env=self.environment())
        self.assertEqual(result.stdout, "out\n")
        self.assertLess(time.monotonic() - start, 3)

    def test_it_ends_within_a_second_of_the_last_process(self):
        start = time.monotonic()
        result = self.bare("sh", "-c", f"echo $$; ls -d /dev/shm/gordian-{os.geteuid()}/run-$$-*; sleep 0.5")
        self.assertLess(time.monotonic() - start, 3)
        pid, folder = result.stdout.split()
        self.assertTrue(folder.startswith(f"/dev/shm/gordian-{os.geteuid()}/run-{pid}-"))
        self.assertEqual(run_folders(pid), [])

    def test_a_hang_is_told_while_it_lasts(self):
        environment = self.environment(LD_PRELOAD=SHIM)
        process = subprocess.Popen([self.sample("deadlock")], stderr=subprocess.PIPE, text=True, env=environment)
        self.addCleanup(self.end, process)
        start = time.monotonic()
        self.assertIn("deadlock", process.stderr.readline())
        self.assertLess(time.monotonic() - start, 4)
        self.assertIsNone(process.poll())

    def test_a_zombie_is_found_without_being_the_parent(self):
        result = self.bare("/usr/bin/python3", "-c", "import subprocess, time; p = subprocess.Popen(['true']); time.sleep(1.5)",
                           options="grace_ms=500:json=report.json")
        self.assertEqual(result.returncode, 0)
        self.assertIn("child-zombie", rules(json.loads((self.folder / "report.json").read_text())))

    def test_the_program_never_sees_it(self):
        program = self.compile("waits.c", """
            #include <errno.h>
            #include <stdio.h>
            #include <sys/wait.h>
            int main(void) {
              int status;
              if (wait(&status) != -1 || errno != ECHILD) return 1;
              if (waitpid(-1, &status, WNOHANG) != -1 || errno != ECHILD) return 2;
              puts("alone");
              return 0;
            }
        """)
        result = self.bare(program)
        self.assertEqual((result.returncode, result.stdout), (0, "alone\n"))

    def test_a_closed_stderr_is_no_concern(self):
        result = subprocess.run(["sh", "-c", f"LD_PRELOAD={SHIM} {self.sample('abba')} 2>&-"], capture_output=True,
                                text=True, timeout=PATIENCE, env=self.environment())
        self.assertEqual(result.returncode, 0)

    @unittest.skipUnless(os.geteuid() == 0, "a pid namespace needs root; scripts/test runs as root")
    def test_pid_1_waits_for_its_report(self):
        result = subprocess.run(
            ["unshare", "--pid", "--fork", "--mount-proc", "env", f"LD_PRELOAD={SHIM}", self.sample("abba")],
            capture_output=True, text=True, timeout=PATIENCE, env=self.environment())
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("lock-order-cycle", result.stderr)


if __name__ == "__main__":
    unittest.main()
