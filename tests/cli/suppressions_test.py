"""Suppressions, from the line that a finding prints to the exit code."""
import json
import resource
import signal
import subprocess
import time
import unittest

from gordian_case import PATIENCE, GordianCase

# Two cycles, of locks without names of their own, in functions that lock through a wrapper. The threads take turns, without
# any call that can be seen, so that none of them hangs.
TWO_CYCLES = """
#include <atomic>
#include <mutex>
#include <thread>
struct Lock {
  explicit Lock(std::mutex& m) : mutex(m) { mutex.lock(); }
  ~Lock() { mutex.unlock(); }
  std::mutex& mutex;
};
auto* locks = new std::mutex[4];
__attribute__((noinline)) void Forward() { Lock outer(locks[0]); Lock inner(locks[1]); }
__attribute__((noinline)) void Back() { Lock outer(locks[1]); Lock inner(locks[0]); }
__attribute__((noinline)) void Up() { Lock outer(locks[2]); Lock inner(locks[3]); }
__attribute__((noinline)) void Down() { Lock outer(locks[3]); Lock inner(locks[2]); }
std::atomic<int> turn{0};
std::thread InTurn(int number, void (*function)()) {
  return std::thread([=] {
    while (turn != number) std::this_thread::yield();
    function();
    ++turn;
  });
}
int main() {
  std::thread threads[] = {InTurn(0, Forward), InTurn(1, Back), InTurn(2, Up), InTurn(3, Down)};
  for (std::thread& thread : threads) thread.join();
}
"""


class SuppressionsTest(GordianCase):
    def keep(self, *command):
        self.gordian("run", "-q", "--out", "kept", "--", *command)

    def report(self, *options):
        result = self.gordian("report", "kept", "--json", "again.json", *options)
        report = json.loads((self.folder / "again.json").read_text())
        self.validate(report)
        return result, report

    def test_the_line_that_a_finding_prints_silences_it_and_no_other(self):
        self.keep(self.compile("two.cc", TWO_CYCLES, "-O0"))
        result, report = self.report()
        self.assertEqual(len({finding["fingerprint"] for finding in report["findings"]}), 2, result.stdout)
        for finding in report["findings"]:
            self.assertIn(f"Suppress     {finding['suppression']}\n", result.stdout)
            (self.folder / "one.supp").write_text(finding["suppression"] + "  # accepted\n")
            result, again = self.report("--suppressions", "one.supp")
            self.assertEqual(result.returncode, 66)
            self.assertEqual({f["fingerprint"]: f["status"] for f in again["findings"]},
                             {f["fingerprint"]: "suppressed" if f is finding else "new" for f in report["findings"]})
            self.assertEqual(again["suppressions"], [{"place": "one.supp:1", "text": finding["suppression"],
                                                      "reason": "accepted", "state": "used", "findings": 1}])
        (self.folder / "all.supp").write_text("lock-order-cycle:file=two.cc\n")
        self.assertEqual(self.report("--suppressions", "all.supp")[0].returncode, 0)

    def test_gen_suppressions_adds_what_is_missing_and_the_default_file_is_read(self):
        self.keep(self.sample("abba"))
        (self.folder / "gordian.supp").write_text("# mine\ndeadlock:*")
        result, _ = self.report("--gen-suppressions", "gordian.supp")
        self.assertEqual(result.returncode, 66)
        text = (self.folder / "gordian.supp").read_text()
        self.assertRegex(text, r"\A# mine\ndeadlock:\*\n# error: Possible deadlock: .*\nlock-order-cycle:.* @[0-9a-f]{16}\n\Z")
        result, report = self.report("--gen-suppressions", "gordian.supp")
        self.assertEqual((result.returncode, report["summary"]), (0, {"error": 0, "warning": 0, "note": 0, "suppressed": 1}))
        self.assertIn("Suppressions: 1 line was not used: gordian.supp:2\n", result.stdout)
        self.assertEqual((self.folder / "gordian.supp").read_text(), text)

    def test_a_program_that_hangs_is_ended_and_told_in_one_line(self):
        (self.folder / "s").write_text("deadlock:orders_mutex -> stock_mutex # known\n")
        result = self.gordian("run", "--suppressions", "s", "--on-deadlock=kill", "--", self.sample("deadlock"))
        self.assertEqual(result.returncode, 66, "gordian ended it")
        self.assertNotIn("ERROR", result.stderr)
        self.assertIn("SUPPRESSED deadlock: ", result.stderr)

    def test_attach_confirm_and_hunt_know_them(self):
        (self.folder / "gordian.supp").write_text("*:* # whatever\n")
        self.keep(self.sample("abba"))
        result = self.gordian("confirm", "kept", "--", self.sample("abba"))
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("1 possible deadlock is suppressed and not tried", result.stderr)
        result = self.gordian("hunt", "-n", "1", "--json", "hunt.json", "--", self.sample("abba"))
        self.assertEqual(result.returncode, 0)
        self.assertIn("; 1 suppressed", result.stdout)
        self.validate(json.loads((self.folder / "hunt.json").read_text()))
        hanging = subprocess.Popen([self.sample("deadlock")], env=self.environment())
        self.addCleanup(self.kill, hanging)
        deadline = time.monotonic() + PATIENCE
        findings = []
        while not findings and time.monotonic() < deadline:
            result = self.gordian("attach", hanging.pid, "--json", "attach.json")
            self.assertEqual(result.returncode, 0, result.stdout)
            findings = json.loads((self.folder / "attach.json").read_text())["findings"]
        self.assertEqual([finding["status"] for finding in findings], ["suppressed"])

    def kill(self, process):
        process.kill()
        process.wait()

    def test_a_mistake_costs_nothing(self):
        (self.folder / "bad").write_text("deadlock:*\nlock-order-cycle:x until=tomorrow\n")
        for file, message in (("bad", "gordian: bad:2:26: this is no day; write until=YYYY-MM-DD\n"),
                              ("none", "gordian: none: No such file or directory\n")):
            result = self.gordian("run", "--suppressions", file, "--", "touch", "ran")
            self.assertEqual((result.returncode, result.stderr), (5, message))
            self.assertFalse((self.folder / "ran").exists())


class FilesTest(GordianCase):
    """Under a report's name there is the whole report or none."""

    def test_nothing_of_an_earlier_run_and_no_part_of_this_one(self):
        (self.folder / "old.json").write_text("of yesterday")
        (self.folder / "link.json").symlink_to("old.json")
        result = self.gordian("run", "-q", "--json", "link.json", "--", "sh", "-c", "cat old.json; ls -A")
        self.assertNotIn("of yesterday", result.stdout)
        self.assertNotIn(".gordian", result.stdout)
        self.assertTrue((self.folder / "link.json").is_symlink())
        self.assertEqual(json.loads((self.folder / "old.json").read_text())["exit_code"], 0)

    def test_a_report_beyond_the_limit_leaves_nothing(self):
        self.gordian("run", "-q", "--out", "kept", "--", "true")
        result = self.gordian("report", "kept", "--json", "r.json", preexec_fn=limit_files)
        self.assertEqual(result.returncode, 125, result.stdout)
        self.assertIn("the JSON report could not be written to r.json: File too large", " ".join(result.stdout.split()))
        self.assertEqual([path.name for path in self.folder.iterdir()], ["kept"])

    def test_what_is_open_already_is_added_to(self):
        for name in ("/dev/stdout", "out", "/dev/fd/1"):
            with open(self.folder / "out", "w") as out:
                self.gordian("run", "-q", "--json", name, "--", "echo", "of the program", stdout=out)
            text = (self.folder / "out").read_text()
            self.assertTrue(text.startswith("of the program\n{"), text)
            self.assertEqual(json.loads(text.split("\n", 1)[1])["exit_code"], 0)

    def test_only_one_report_goes_to_standard_output(self):
        result = self.gordian("run", "--json", "-", "--text", "-", "--", "true")
        self.assertEqual(result.returncode, 125)
        self.assertIn("only one report can go to standard output", result.stderr)


def limit_files():
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (256, 256))


if __name__ == "__main__":
    unittest.main()
