"""confirm, hunt, --perturb and --avoid: schedules that gordian makes."""
import json
import re
import unittest

from gordian_case import GordianCase

FREE = {"LUCK_PATIENCE_MS": "0"}  # samples/luck.h: nobody waits

# The second thread waits, without any call that can be seen and for as long as it takes, until the first is done.
ORDERED_BY_DATA = """
#include <atomic>
#include <mutex>
#include <thread>
std::mutex a, b;
std::atomic<bool> done{false};
int main() {
  std::thread first([] {
    { std::scoped_lock<std::mutex> outer(a); std::scoped_lock<std::mutex> inner(b); }
    done = true;
  });
  std::thread second([] {
    while (!done) std::this_thread::yield();
    std::scoped_lock<std::mutex> outer(b);
    std::scoped_lock<std::mutex> inner(a);
  });
  first.join();
  second.join();
}
"""


class ConfirmTest(GordianCase):
    def keep(self, *command):
        result = self.gordian("run", "-q", "--out", "kept", "--", *command)
        self.assertIn(result.returncode, (0, 66), result.stderr)

    def confirm(self, *arguments, **options):
        options.setdefault("env", self.environment(**FREE))
        return self.gordian("confirm", "kept", *arguments, **options)

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

    def test_an_order_made_by_data_is_never_confirmed(self):
        program = self.compile("ordered.cc", ORDERED_BY_DATA)
        self.keep(program)
        result = self.confirm("--tries", "6", "--", program)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        self.assertIn("not reproduced: it stays potential", result.stdout)
        self.assertIn("1 of 2 threads stood at their steps", result.stdout)
        self.assertIn("0 of 1 possible deadlock confirmed", result.stdout)

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

    def test_nothing_to_confirm(self):
        self.keep("true")
        result = self.confirm("--", "true")
        self.assertEqual(result.returncode, 0)
        self.assertIn("no possible deadlock", result.stderr)


class AvoidTest(GordianCase):
    def test_a_confirmed_deadlock_does_not_happen(self):
        program = self.sample("abba")
        self.gordian("run", "-q", "--out", "kept", "--", program)
        confirmed = self.gordian("confirm", "kept", "-o", "cycles.json", "--", program, env=self.environment(**FREE))
        self.assertEqual(confirmed.returncode, 66, confirmed.stdout)
        plain = self.gordian("run", "-q", "--", program)  # by luck alone it does not hang
        avoiding = self.gordian("run", "-q", "--on-deadlock=kill", "--avoid", "cycles.json", "--", program,
                                env=self.environment(**FREE))
        self.assertEqual(avoiding.stdout, plain.stdout)
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
        self.assertIn("1 of them errors, in 3 runs", result.stdout)
        self.assertEqual(result.stderr, "")

    def test_it_stops_at_a_deadlock_that_happened(self):
        result = self.gordian("hunt", "-n", "50", "--stop", "--", self.sample("deadlock"))
        self.assertEqual(result.returncode, 66)
        self.assertIn("in 1 runs", result.stdout)

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
