"""The exit code of gordian: the program's own, or one of the documented ones."""
import signal
import subprocess
import unittest

from gordian_case import GORDIAN, PATIENCE, GordianCase, rules


class ExitCodesTest(GordianCase):
    def test_the_programs_own_code_when_there_is_no_finding(self):
        for code in (0, 1, 42, 66, 255):
            result = self.gordian("run", "--", "sh", "-c", f"exit {code}")
            self.assertEqual(result.returncode, code, result.stderr)
            self.assertEqual(len(result.stderr.splitlines()), 1, result.stderr)

    def test_command_not_found(self):
        for command in ("no-such-command-here", "./no-such-file", "/no/such/folder/file"):
            result = self.gordian("run", "--", command)
            self.assertEqual(result.returncode, 127)
            self.assertEqual(result.stderr, f"gordian: cannot run '{command}': No such file or directory\n")

    def test_command_not_executable(self):
        plain = self.folder / "plain"
        plain.write_text("text")
        for command in (plain, self.folder):
            result = self.gordian("run", "--", command)
            self.assertEqual(result.returncode, 126)
            self.assertIn("Permission denied", result.stderr)

    def test_a_wrong_use_is_2_with_one_clear_line(self):
        for arguments in (
                [], ["run"], ["run", "--"], ["run", "--no-such-option", "--", "true"], ["run", "--json", "--", "true"],
                ["run", "--grace-ms", "soon", "--", "true"], ["run", "--fail-on", "fatal", "--", "true"],
                ["run", "--error-exitcode", "256", "--", "true"], ["run", "--on-deadlock=weep", "--", "true"],
                ["run", "--skip", "a:b", "--", "true"], ["run", "--dump-after", "-1", "--", "true"],
                ["run", "true", "--", "true"], ["report"], ["report", "a", "b"], ["frobnicate"]):
            with self.subTest(arguments=arguments):
                result = self.gordian(*arguments)
                self.assertEqual(result.returncode, 2)
                self.assertEqual(result.stdout, "")
                self.assertRegex(result.stderr, r"\Agordian: [^\n]+\n\Z")

    def test_help_and_version(self):
        self.assertRegex(self.gordian("--version").stdout, r"\Agordian \d+\.\d+\.\d+\n\Z")
        self.assertIn("run", self.gordian("--help").stdout)
        self.assertNotIn("watch", self.gordian("--help").stdout)
        self.assertIn("--on-deadlock", self.gordian("run", "--help").stdout)

    def test_everything_behind_the_dashes_is_the_programs(self):
        result = self.gordian("run", "-q", "--", "echo", "--json", "--", "-v", "--help")
        self.assertEqual(result.stdout, "--json -- -v --help\n")

    def test_an_output_that_cannot_be_written_is_told_before_the_start(self):
        for option in ("--json", "--text", "--out"):
            result = self.gordian("run", option, "/no/such/folder/x", "--", "touch", "started")
            self.assertEqual(result.returncode, 125)
            self.assertRegex(result.stderr, r"\Agordian: [^\n]*/no/such/folder/x[^\n]*\n\Z")
            self.assertFalse((self.folder / "started").exists())

    def test_a_full_disk_at_the_end_is_told_and_changes_nothing(self):
        result = self.gordian("run", "--json", "/dev/full", "--", "sh", "-c", "exit 5")
        self.assertEqual(result.returncode, 5)
        self.assertIn("could not be written to /dev/full", result.stderr)

    def test_a_gone_reader_of_the_text_changes_nothing(self):
        process = subprocess.Popen([GORDIAN, "run", "--", "sh", "-c", "read x; exit 5"], stdin=subprocess.PIPE,
                                   stderr=subprocess.PIPE, env=self.environment())
        process.stderr.close()
        process.stdin.close()
        self.assertEqual(process.wait(timeout=PATIENCE), 5)

    def test_no_second_run_into_a_folder_that_holds_one(self):
        self.assertEqual(self.gordian("run", "-q", "--out", "kept", "--", "true").returncode, 0)
        result = self.gordian("run", "-q", "--out", "kept", "--", "touch", "started")
        self.assertEqual(result.returncode, 125)
        self.assertIn("another run is kept there", result.stderr)
        self.assertFalse((self.folder / "started").exists())

    def test_kill_after_is_124(self):
        result = self.gordian("run", "-q", "--kill-after", "0.3", "--", "sh", "-c", "sleep 50 & sleep 50")
        self.assertEqual(result.returncode, 124)

    def test_kill_after_ends_a_program_that_ignores_it(self):
        result = self.gordian("run", "-q", "--kill-after", "0.3", "--", "sh", "-c", "trap '' ABRT TERM; sleep 50; sleep 50")
        self.assertEqual(result.returncode, 124)

    def test_a_program_that_ends_in_time_is_not_killed(self):
        self.assertEqual(self.gordian("run", "-q", "--kill-after", "30", "--", "sh", "-c", "exit 4").returncode, 4)


class FindingCodesTest(GordianCase):
    """66 and the options that change it, on a sample with one finding at error level."""

    def code(self, *options, command=None):
        command = command or [self.sample("abba")]
        return self.gordian("run", "-q", *options, "--", *command).returncode

    def test_66(self):
        self.assertEqual(self.code(), 66)

    def test_another_code(self):
        self.assertEqual(self.code("--error-exitcode", "7"), 7)
        self.assertEqual(self.code("--error-exitcode", "0"), 0)

    def test_fail_on(self):
        self.assertEqual(self.code("--fail-on", "never"), 0)
        self.assertEqual(self.code("--fail-on", "confirmed"), 0)
        self.assertEqual(self.code("--fail-on", "warning"), 66)
        self.assertEqual(self.code("--fail-on", "error"), 66)

    def test_a_warning_fails_only_if_asked(self):
        warning = [self.compile("holds.c", """
            #include <pthread.h>
            int main(void) {
              static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
              pthread_mutex_lock(&lock);
              return 0;
            }
        """)]
        _, report = self.run_json("--", *warning)
        self.assertEqual(rules(report), ["lock-held-at-process-exit"])
        self.assertEqual(self.code(command=warning), 0)
        self.assertEqual(self.code("--fail-on", "warning", command=warning), 66)

    def test_the_programs_own_failure_wins_and_is_told(self):
        result = self.gordian("run", "--", "sh", "-c", self.sample("abba") + "; exit 9")
        self.assertEqual(result.returncode, 9)
        self.assertIn("exit 9", result.stderr.splitlines()[-1])

    def test_a_signal_wins(self):
        result = self.gordian("run", "-q", "--", "sh", "-c", self.sample("abba") + "; kill -TERM $$")
        self.assertEqual(result.returncode, -signal.SIGTERM)

    def test_a_deadlock_that_gordian_ended(self):
        result, report = self.run_json("--on-deadlock=kill-tree", "--", self.sample("deadlock"))
        self.assertEqual(result.returncode, 66)
        self.assertIn("deadlock", rules(report))
        result = self.gordian("run", "-q", "--on-deadlock=kill-tree", "--error-exitcode", "9", "--", self.sample("deadlock"))
        self.assertEqual(result.returncode, 9)


if __name__ == "__main__":
    unittest.main()
