"""confirm, hunt, --perturb and --avoid: schedules that gordian makes."""
import contextlib
import glob
import json
import os
import pty
import re
import shlex
import signal
import time
import unittest

from gordian_case import FREE, ORDERED_BY_DATA, OWN_TIME, PATIENCE, GordianCase

# Threads that run one after the other by luck, once they are told to go: the second begins when the first is done, or has
# slept for 20 ms, as in a pause.
NEEDS_INPUT = OWN_TIME + """
#include <atomic>
#include <iostream>
#include <mutex>
#include <string>
#include <thread>
#include <sys/syscall.h>
std::mutex a, b;
std::atomic<long> tid{0};
std::atomic<bool> done{false};
int main() {
  std::string word;
  if (!(std::cin >> word)) return 3;
  std::thread first([] {
    tid = syscall(SYS_gettid);
    { std::scoped_lock<std::mutex> outer(a); std::scoped_lock<std::mutex> inner(b); }
    done = true;
  });
  while (tid == 0) usleep(1000);
  for (long began = OwnMs(tid); !done && OwnMs(tid) - began < 20;) usleep(1000);
  std::thread second([] { std::scoped_lock<std::mutex> outer(b); std::scoped_lock<std::mutex> inner(a); });
  first.join();
  second.join();
}
"""

# A cycle that cannot happen, and another end each time.
ENDS_DIFFERENTLY = ORDERED_BY_DATA.replace("int main() {", """
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <unistd.h>
void End() {
  std::string how, word;
  std::ifstream("end") >> how;
  if (how == "next") {
    const char* all[] = {"exit", "abort", "segv", "kill", "_exit"};
    int past = 0;
    for (std::ifstream ends("ends"); ends >> word;) ++past;
    std::ofstream("ends", std::ios::app) << (how = all[past % 5]) << "\\n";
  }
  if (how == "abort") std::abort();
  if (how == "segv") raise(SIGSEGV);
  if (how == "kill") kill(getpid(), SIGKILL);
  if (how == "_exit") _exit(7);
  std::exit(how == "exit" ? 5 : 6);
}
int main() {""").replace("second.join();", "second.join();\n  End();")


# Ends by a signal only.
WAITS = "echo $$ >program; exec sleep 1000"


def run_folders():
    return glob.glob(f"/dev/shm/gordian-{os.geteuid()}/run-*")


class ConfirmTest(GordianCase):
    def keep(self, *command):
        result = self.gordian("run", "-q", "--out", "kept", "--", *command)
        self.assertIn(result.returncode, (0, 66), result.stderr)

    def confirm(self, *arguments, **options):
        options.setdefault("env", self.environment(**FREE))
        return self.gordian("confirm", "kept", *arguments, **options)

    def test_a_signal_ends_program_and_gordian_and_leaves_nothing(self):
        self.keep(self.sample("abba"))
        for command in (("confirm", "kept"), ("hunt",)):
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                with self.subTest(command=command[0], signal=number):
                    process = self.start(*command, "--", "sh", "-c", WAITS)
                    program = self.program()
                    folder = [path for path in run_folders() if f"run-{process.pid}-" in path]
                    self.assertEqual(len(folder), 1)
                    process.send_signal(number)
                    self.assertEqual(process.wait(PATIENCE), 128 + number)
                    self.assertFalse(os.path.exists(folder[0]))
                    self.assertFalse(os.path.exists(f"/proc/{program}"))

    def test_the_folder_of_a_killed_one_goes_with_the_next(self):
        process = self.start("hunt", "--show-output", "--", "sh", "-c", WAITS)
        program = self.program()
        folder = next(path for path in run_folders() if f"run-{process.pid}-" in path)
        process.kill()
        process.wait()
        os.kill(program, signal.SIGKILL)
        process.stdout.read()  # until the run that it had started is over as well
        os.utime(folder, (0, 0))  # a young one may be one that is being made
        self.gordian("run", "-q", "--", "true")
        self.assertFalse(os.path.exists(folder))

    def program(self):
        """The number of the process that runs WAITS."""
        path = self.folder / "program"
        end = time.monotonic() + PATIENCE
        while not (path.exists() and path.read_text().endswith("\n")):
            self.assertLess(time.monotonic(), end, "the program did not start")
            time.sleep(0.01)
        number = int(path.read_text())
        path.unlink()
        return number

    def test_a_predicted_deadlock_is_made_to_happen(self):
        for sample, threads in (("abba", 2), ("three_lock_cycle", 3), ("dining_philosophers", 5), ("try_outer", 2)):
            with self.subTest(sample):
                program = self.sample(sample)
                self.gordian("run", "-q", "--out", sample, "--", program)
                result = self.gordian("confirm", sample, "--", program, env=self.environment(**FREE))
                self.assertEqual(result.returncode, 66, result.stdout + result.stderr)
                self.assertIn("CONFIRMED", result.stdout)
                self.assertIn("1 of 1 possible deadlock confirmed", result.stdout)
                self.assertIn("confirmed): Deadlock: ", result.stdout)
                self.assertEqual(result.stdout.count("blocks on "), threads)

    def test_the_command_that_it_prints_repeats_it(self):
        self.keep(self.sample("abba"))
        first = self.confirm("--", self.sample("abba"))
        words = re.search(r"again: gordian (.*)", first.stdout).group(1).split()
        again = self.gordian(*words, env=self.environment(**FREE))
        self.assertEqual(again.returncode, 66, again.stdout + again.stderr)

    def test_the_command_of_the_readme(self):
        # The second thread waits for the first, for two seconds: a thread is held back for longer than that.
        self.keep(self.sample("abba"))
        result = self.gordian("confirm", "kept", "--", self.sample("abba"))
        self.assertEqual(result.returncode, 66, result.stdout + result.stderr)
        self.assertIn("1 of 1 possible deadlock confirmed", result.stdout)

    def test_one_of_two_findings(self):
        self.keep(self.sample("two_cycles"))
        both = self.confirm("--", self.sample("two_cycles"))
        self.assertIn("2 of 2 possible deadlocks confirmed", both.stdout)
        fingerprint = re.search(r"confirm 2 of 2: ([0-9a-f]{16})", both.stdout).group(1)
        one = self.confirm("--finding", fingerprint, "--", self.sample("two_cycles"))
        self.assertIn("1 of 1 possible deadlock confirmed", one.stdout)
        self.assertIn(fingerprint, one.stdout)

    def test_bad_input(self):
        self.assertEqual(self.confirm("--", "true").returncode, 3)
        self.keep(self.sample("abba"))
        self.assertEqual(self.confirm().returncode, 2)
        self.assertEqual(self.confirm("--finding", "0000000000000000", "--", "true").returncode, 2)
        missing = self.confirm("--", "no-such-program")
        self.assertEqual(missing.returncode, 127, missing.stdout + missing.stderr)
        other = self.confirm("--tries", "2", "--", "true")
        self.assertEqual(other.returncode, 0)
        self.assertIn("0 of 2 threads stood at their steps", other.stdout)

    def test_a_program_that_never_ends_is_ended(self):
        self.keep(self.sample("abba"))
        result = self.confirm("--tries", "1", "--timeout", "1", "--", "sleep", "1000")
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        self.assertIn("ended by --timeout", result.stdout)
        self.assertIn("No thread came to these places", result.stdout)

    def test_a_run_of_another_build_is_refused(self):
        program = self.compile("program.cc", ORDERED_BY_DATA)
        self.keep(program)
        self.compile("program.cc", ORDERED_BY_DATA + "int one_more;")
        result = self.confirm("--tries", "1", "--", program)
        self.assertEqual(result.returncode, 2, result.stdout)
        self.assertIn("kept is of another build: ", result.stderr)
        self.assertIn(f"{program} has the build-id ", result.stderr)
        self.assertEqual(result.stdout, "")

    def test_a_program_that_needs_input(self):
        program = self.compile("needs_input.cc", NEEDS_INPUT)
        (self.folder / "its input").write_text("go\n")
        self.gordian("run", "-q", "--out", "kept", "--", program, input="go\n")
        without = self.confirm("--tries", "2", "--", program)
        self.assertEqual(without.returncode, 0, without.stdout + without.stderr)
        self.assertIn("does it need --input FILE?", without.stdout)
        result = self.confirm("--input", "its input", "--", program)
        self.assertEqual(result.returncode, 66, result.stdout + result.stderr)
        words = shlex.split(re.search(r"again: gordian (.*)", result.stdout).group(1))
        self.assertEqual(self.gordian(*words).returncode, 66)
        self.assertEqual(self.confirm("--input", "missing", "--", program).returncode, 2)

    def test_a_program_that_ends_differently_each_time(self):
        program = self.compile("differently.cc", ENDS_DIFFERENTLY)
        (self.folder / "end").write_text("exit")
        self.gordian("run", "-q", "--out", "kept", "--", program)
        (self.folder / "end").write_text("next")
        result = self.gordian("confirm", "kept", "--tries", "5", "--timeout", "3", "--", program)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        self.assertEqual(result.stdout.count("1 of 2 threads stood at their steps at one time"), 5)
        self.assertEqual((self.folder / "ends").read_text().split(), ["exit", "abort", "segv", "kill", "_exit"])

    def test_nothing_to_confirm(self):
        self.keep("true")
        result = self.confirm("--", "true")
        self.assertEqual(result.returncode, 0)
        self.assertIn("no possible deadlock", result.stderr)


class AvoidTest(GordianCase):
    def test_a_confirmed_deadlock_does_not_happen(self):
        for sample in ("abba", "process_abba"):
            with self.subTest(sample):
                program = self.sample(sample)
                self.gordian("run", "-q", "--out", sample, "--", program)
                confirmed = self.gordian("confirm", sample, "-o", sample + ".json", "--", program,
                                         env=self.environment(**FREE))
                self.assertEqual(confirmed.returncode, 66, confirmed.stdout)
                plain = self.gordian("run", "-q", "--", program)  # by luck alone it does not hang
                # Under a plan that also disturbs, so that they meet more often than not.
                for seed in ("1", "2", "3"):
                    avoiding = self.gordian("run", "-q", "--on-deadlock=kill-tree", "--avoid", sample + ".json",
                                            "--perturb", seed, "--", program, env=self.environment(**FREE))
                    self.assertEqual(avoiding.stdout, plain.stdout)
                    self.assertNotIn("eadlock: ", avoiding.stderr)
                    self.assertRegex(avoiding.stderr, r"--avoid: \d+ threads? waited")

    def test_a_file_of_another_build_is_refused(self):
        source = self.folder / "program.cc"
        program = self.compile("program.cc", ORDERED_BY_DATA)
        self.gordian("run", "-q", "--out", "kept", "--", program)
        self.gordian("confirm", "kept", "--tries", "1", "-o", "none.json", "--", program)
        self.assertEqual(self.gordian("run", "-q", "--avoid", "none.json", "--", program).returncode, 66)
        cycles = {"schema": "gordian.cycles/1", "modules": [{"path": program, "build_id": "00" * 20}], "cycles": []}
        (self.folder / "old.json").write_text(json.dumps(cycles))
        result = self.gordian("run", "--avoid", "old.json", "--", program)
        self.assertEqual(result.returncode, 2)
        self.assertIn("has the build-id", result.stderr)
        self.assertEqual(result.stdout, "")
        self.assertEqual(self.gordian("run", "--avoid", str(source), "--", program).returncode, 2)
        self.assertEqual(self.gordian("run", "--avoid", "missing.json", "--", program).returncode, 2)


class HuntTest(GordianCase):
    def test_findings_of_all_runs_with_the_seed_that_shows_them(self):
        result = self.gordian("hunt", "-n", "3", "--seed", "7", "--", self.sample("abba"))
        self.assertEqual(result.returncode, 66, result.stderr)
        self.assertIn("In 3 of 3 runs, first with: gordian run --perturb=7 -- ", result.stdout)
        self.assertIn("1 error, in 3 runs", result.stdout)
        self.assertEqual(result.stderr, "")

    def test_later_runs_pause_at_the_cycles_of_earlier_ones(self):
        # No random pause is as long as the second thread waits for the first.
        program = self.compile("apart.cc", NEEDS_INPUT)
        (self.folder / "input").write_text("go")
        result = self.gordian("hunt", "-n", "60", "--stop", "--input", "input", "--", program)
        self.assertEqual(result.returncode, 66, result.stdout)
        self.assertIn("deadlock (confirmed)", result.stdout)
        again = re.search(r"1 of (\d+) runs, first with: gordian (hunt -n \1 --seed 1 --input input -- .*)",
                          result.stdout)
        self.assertIsNotNone(again, result.stdout)
        self.assertEqual(self.gordian(*shlex.split(again.group(2))).returncode, 66)

    def test_a_bar_shows_how_far_it_is(self):
        terminal, its_end = pty.openpty()
        self.gordian("hunt", "-n", "2", "--", self.sample("gate_lock"), stderr=its_end)
        os.close(its_end)
        shown = ""
        with contextlib.suppress(OSError):  # its end: the other one is closed
            while True:
                shown += os.read(terminal, 4096).decode()
        os.close(terminal)
        for bar in (" " * 30 + "] 0/2", "#" * 15 + " " * 15 + "] 1/2", "#" * 30 + "] 2/2, 0 errors"):
            self.assertIn(bar, shown)

    def test_it_stops_at_a_deadlock_that_happened(self):
        result = self.gordian("hunt", "-n", "50", "--stop", "--", self.sample("deadlock"))
        self.assertEqual(result.returncode, 66)
        self.assertIn("in 1 run\n", result.stdout)

    def test_a_clean_program(self):
        result = self.gordian("hunt", "-n", "2", "--", self.sample("gate_lock"))
        self.assertEqual(result.returncode, 0, result.stdout)
        self.assertIn("0 findings", result.stdout)

    def test_bad_input(self):
        self.assertEqual(self.gordian("hunt", "-n", "2").returncode, 2)
        self.assertEqual(self.gordian("hunt", "-n", "2", "--", "no-such-program").returncode, 127)
        self.assertEqual(self.gordian("run", "--perturb", "x", "--", "true").returncode, 2)

    def test_a_perturbed_program_does_the_same(self):
        program = ["sh", "-c", "seq 1 1000 | sort -n | tail -1; exit 3"]
        plain = self.gordian("run", "-q", "--", *program)
        for seed in ("1", "2"):
            perturbed = self.gordian("run", "-q", "--perturb", seed, "--", *program)
            self.assertEqual((perturbed.stdout, perturbed.returncode), (plain.stdout, plain.returncode))


if __name__ == "__main__":
    unittest.main()
