"""The command line, point by point: what is refused and with which words, and where reports go."""
import fcntl
import json
import os
import pathlib
import pty
import re
import signal
import struct
import subprocess
import termios
import time
import unittest

from gordian_case import GORDIAN, PATIENCE, SHIM, GordianCase, read_line, rules

SELF_DEADLOCK = """
    #include <pthread.h>
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    int main(void) {
      pthread_mutex_lock(&lock);
      return pthread_mutex_lock(&lock);
    }
"""

DOUBLE_UNLOCK = """
    #include <pthread.h>
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    int main(void) {
      pthread_mutex_lock(&lock);
      pthread_mutex_unlock(&lock);
      return pthread_mutex_unlock(&lock);
    }
"""


def parent_of(pid):
    return int(pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])


class WordsTest(GordianCase):
    def refused(self, *arguments):
        result = self.gordian(*arguments)
        self.assertEqual((result.returncode, result.stdout), (2, ""), result.stderr)
        self.assertRegex(result.stderr, r"\Agordian: [^\n]+\n\Z")
        return result.stderr

    def test_help_and_version_in_every_spelling(self):
        version = self.gordian("--version").stdout
        for words in (["-V"], ["version"]):
            self.assertEqual(self.gordian(*words).stdout, version)
        whole = self.gordian("--help").stdout
        self.assertEqual(self.gordian("help").stdout, whole)
        for subcommand in ("run", "report", "confirm", "hunt", "attach", "core", "ps", "doctor", "explain", "completion",
                           "manual"):
            self.assertIn(f"\n  {subcommand} ", whole)
            own = self.gordian(subcommand, "--help")
            self.assertEqual(own.returncode, 0)
            self.assertEqual(self.gordian("help", subcommand).stdout, own.stdout)

    def test_a_slip_of_the_pen_is_answered_with_what_was_meant(self):
        self.assertIn("there is no command 'rnu'; did you mean run? See `gordian --help`", self.refused("rnu", "--", "true"))
        self.assertIn("run: there is no option --jsno; did you mean --json? See `gordian run --help`",
                      self.refused("run", "--jsno", "x", "--", "true"))
        self.assertIn("attach: there is no option --tre; did you mean --tree?", self.refused("attach", "--tre", "1"))
        self.assertNotIn("did you mean", self.refused("frobnicate"))

    def test_a_program_in_place_of_a_command_is_told_how_to_run(self):
        self.assertIn("to run that program: gordian run -- sleep;", self.refused("sleep", "1"))

    def test_what_is_wrong_names_the_help_of_its_command(self):
        self.assertIn("attach: 'abc' is not a process id; see `gordian attach --help`", self.refused("attach", "abc"))
        self.assertIn("attach: --tree: '-1' is not a process id", self.refused("attach", "--tree=-1"))
        self.assertIn("doctor: -p,--pid: 'me' is not a process id", self.refused("doctor", "-p", "me"))
        self.assertIn("report: DIR is missing; see `gordian report --help`", self.refused("report"))
        self.assertIn("report: it takes no command", self.refused("report", "x", "--", "true"))
        self.assertIn("run: there is no command; write it behind `--`; see `gordian run --help`", self.refused("run"))

    def test_nothing_is_no_number_of_runs_and_no_time(self):
        for arguments in (["hunt", "-n", "0"], ["hunt", "--timeout", "0"], ["run", "--kill-after", "0"]):
            self.assertRegex(self.refused(*arguments, "--", "true"), r"'0' is not a number|0 would end the program")
        self.assertIn("--tries: '0' is not a number above 0", self.refused("confirm", "x", "--tries", "0", "--", "true"))

    def test_on_deadlock_explains_itself(self):
        text = " ".join(self.gordian("run", "--help").stdout.split())
        self.assertRegex(text, r"report \(default\): tell of them and let them hang.*kill: end them.*core: as kill")
        program = self.compile("hang.c", SELF_DEADLOCK)
        result = self.gordian("run", "--kill-after", "3", "--", program)
        self.assertIn("left hanging, as --on-deadlock=report wants it; kill ends it", " ".join(result.stderr.split()))
        result = self.gordian("run", "--on-deadlock=kill", "--", program)
        self.assertNotIn("left hanging", result.stderr)

    def test_every_rule_is_explained(self):
        listed = re.findall(r"^([a-z-]+) {2,}", self.gordian("explain").stdout, re.MULTILINE)
        self.assertIn("deadlock", listed)
        for rule in listed:
            text = self.gordian("explain", rule).stdout
            self.assertRegex(text, rf"\A{rule}: (error|warning|note)")
            for part in ("What", "Example", "Why", "Fix", "Suppress"):
                self.assertRegex(text, rf"(?m)^  {part} +\S")
        self.assertIn("there is no rule 'dedlock'; did you mean deadlock?", self.refused("explain", "dedlock"))

    def test_options_end_at_the_command(self):
        result = self.gordian("run", "-q", "echo", "--json", "x")
        self.assertEqual(result.stdout, "--json x\n")
        self.assertIn("gordian: '--json' goes to echo: options of gordian stand before the command", result.stderr)
        for words in (["-q", "--", "echo", "--json", "x"], ["-q", "echo", "--color=never", "x"], ["-q", "echo", "x"]):
            self.assertNotIn("goes to", self.gordian("run", *words).stderr)


class PlacesTest(GordianCase):
    def test_a_dash_is_standard_output(self):
        result = self.gordian("run", "--json", "-", "--", "true")
        self.assertEqual(json.loads(result.stdout)["run"]["status"], "exited 0")
        self.assertIn("gordian: 0 errors", result.stderr)
        result = self.gordian("run", "--text", "-", "--", "true")
        self.assertIn("gordian: 0 errors", result.stdout)
        self.assertEqual(result.stderr, "")
        result = self.gordian("ps", "--json", "-", "--stuck", "--grace-ms", "1")
        self.assertIn("summary", json.loads(result.stdout))
        self.assertIn("gordian: ", result.stderr)

    def test_names_of_files_hold_the_process_and_the_program(self):
        process = self.start("run", "-q", "--json", "r-%n-%p-100%%.json", "--text", "%n.txt", "--", "/bin/true")
        self.assertEqual(process.wait(timeout=PATIENCE), 0)
        self.assertTrue((self.folder / f"r-true-{process.pid}-100%.json").exists(), list(self.folder.iterdir()))
        self.assertTrue((self.folder / "true.txt").exists())

    def test_names_of_files_of_programs_that_have_the_variable_alone(self):
        environment = self.environment(LD_PRELOAD=SHIM, GORDIAN_OPTIONS=f"json={self.folder}/%n.%p.json")
        process = subprocess.Popen(["/usr/bin/python3", "-c", "pass"], env=environment, stderr=subprocess.PIPE)
        process.communicate(timeout=PATIENCE)  # until the watcher has closed its copy of stderr
        self.assertTrue((self.folder / f"python3.{process.pid}.json").exists(), list(self.folder.iterdir()))

    def test_a_report_that_could_not_be_written_is_a_failure_of_its_own(self):
        for option in ("--json", "--text"):
            for code, expected in ((0, 125), (5, 5)):
                result = self.gordian("run", option, "/dev/full", "--", "sh", "-c", f"exit {code}")
                self.assertEqual(result.returncode, expected, result.stderr)
                self.assertIn("could not be written", result.stderr)
            self.assertEqual(self.gordian("ps", option, "/dev/full", "--stuck", "--grace-ms", "1").returncode, 125)

    def test_the_codes_stand_in_the_report_as_numbers(self):
        program = self.compile("twice.c", DOUBLE_UNLOCK)
        _, report = self.run_json("--", program)
        self.assertEqual((report["run"]["exit_code"], report["exit_code"]), (0, 66))
        _, report = self.run_json("--", "sh", "-c", "kill -TERM $$")
        self.assertEqual((report["run"]["exit_code"], report["exit_code"]), (143, 143))

    def test_what_dump_after_saw_stands_in_the_report(self):
        result, report = self.run_json("--dump-after", "0.3", "--kill-after", "2", "--", "sleep", "1001")
        self.assertEqual(result.returncode, 124)
        self.assertEqual([process["command"] for process in report["snapshot"]], ["sleep 1001"])
        self.assertEqual(len(re.findall("WAITING OUTSIDE", result.stderr)), 1, "it is printed when it is taken")

    def test_interrupts_end_the_grace_time(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            process = self.start("run", "-q", "--grace-ms", "1000000", "--", "sh", "-c", "sleep 1001 >/dev/null 2>&1 & echo $!; exit 3",
                                 start_new_session=True)
            pid = int(read_line(process.stdout))
            self.addCleanup(lambda pid=pid: os.kill(pid, signal.SIGKILL))
            # The program has ended when gordian is the parent of what it left behind.
            deadline = time.monotonic() + PATIENCE
            while parent_of(pid) != process.pid and time.monotonic() < deadline:
                time.sleep(0.01)
            while process.poll() is None:
                process.send_signal(number)
                try:
                    process.wait(timeout=0.2)
                except subprocess.TimeoutExpired:
                    pass  # it had not reaped the program yet
            self.assertEqual(process.returncode, 3)
            self.assertEqual(pathlib.Path(f"/proc/{pid}/comm").read_text(), "sleep\n")

    def test_the_report_is_as_wide_as_the_terminal(self):
        program = self.compile("twice.c", DOUBLE_UNLOCK)
        widest = {}
        for columns in (70, 110):
            ours, theirs = pty.openpty()
            fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
            subprocess.run([GORDIAN, "run", "--color=never", "--", program], stderr=theirs, check=False,
                           cwd=self.folder, env=self.environment(), timeout=PATIENCE)
            os.close(theirs)
            text = b""
            try:
                while chunk := os.read(ours, 65536):
                    text += chunk
            except OSError:
                pass  # the other end is closed
            os.close(ours)
            lines = text.decode().splitlines()
            widest[columns] = max(len(line) for line in lines if not line.startswith("gordian:"))
            self.assertIn("unlock-not-held", text.decode())
        self.assertLessEqual(widest[70], 70)
        self.assertGreater(widest[110], 96)
        self.assertLessEqual(widest[110], 110)


class TriesTest(GordianCase):
    """hunt and confirm take the options of a report."""

    def test_hunt_writes_reports(self):
        program = self.compile("twice.c", DOUBLE_UNLOCK)
        result = self.gordian("hunt", "-n", "2", "--json", "-", "--", program)
        report = json.loads(result.stdout)
        self.validate(report)
        self.assertEqual(rules(report), ["unlock-not-held"])
        finding = report["findings"][0]
        self.assertEqual((finding["runs"], report["exit_code"], result.returncode), (2, 66, 66))
        self.assertRegex(finding["again"], r"\Agordian run --perturb=1 -- \S*twice\Z")
        self.assertIn("In 2 of 2 runs", result.stderr)
        for options, code, pattern in (
                (["--fail-on=never"], 0, r"\AERROR unlock-not-held"), (["--error-exitcode", "7", "-q"], 7, r"\Agordian: hunt"),
                (["--format=short"], 66, r"\Atwice\.c:7: error: unlock-not-held: ")):
            result = self.gordian("hunt", "-n", "1", *options, "--", program)
            self.assertEqual(result.returncode, code)
            self.assertRegex(result.stdout, pattern)
        self.assertEqual(self.gordian("hunt", "-n", "1", "--json", "/dev/full", "--", program).returncode, 125)

    def test_confirm_writes_reports(self):
        self.gordian("run", "-q", "--out", "kept", "--", self.sample("abba"))
        result = self.gordian("confirm", "kept", "--json", "-", "--text", "tries.txt", "--", self.sample("abba"))
        report = json.loads(result.stdout)
        self.validate(report)
        self.assertEqual((rules(report), result.returncode, report["exit_code"]), (["deadlock"], 66, 66))
        self.assertRegex(report["findings"][0]["again"], r"\Agordian confirm kept --finding [0-9a-f]{16} --tries 1 --seed ")
        self.assertIn("1 of 1 possible deadlock confirmed", (self.folder / "tries.txt").read_text())
        result = self.gordian("confirm", "kept", "--fail-on=never", "-q", "--", self.sample("abba"))
        self.assertEqual((result.returncode, result.stdout), (0, "gordian: 1 of 1 possible deadlock confirmed\n"))


if __name__ == "__main__":
    unittest.main()
