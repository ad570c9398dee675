"""`pytest --gordian` and `python3 -m gordian_testing`: each test gets a verdict of its own."""
import os
import subprocess
import sys
import unittest
import xml.etree.ElementTree

from cli.gordian_case import GORDIAN, PATIENCE, SOURCE, GordianCase

OPPOSITE = """
import threading

def opposite():
    a, b, both = threading.Lock(), threading.Lock(), threading.Barrier(2)

    def take(first, second):
        with first:
            both.wait()
            with second:
                pass

    threads = [threading.Thread(target=take, args=args) for args in ((a, b), (b, a))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
"""

OF_PYTEST = OPPOSITE + """
import pytest

def test_hangs():
    opposite()

def test_passes():
    print("as ever")

def test_fails():
    assert "one" == "two"

@pytest.mark.gordian(expect=["deadlock"])
def test_is_to_hang():
    opposite()

@pytest.mark.gordian(expect=["deadlock"])
def test_is_to_hang_and_does_not():
    pass

@pytest.mark.skip(reason="not today")
def test_skipped():
    pass

@pytest.mark.parametrize("number", [1, 2])
def test_each(number):
    assert number < 2

def test_leaves_a_thread():
    threading.Thread(target=threading.Event().wait, daemon=True, name="left").start()
"""

OF_UNITTEST = OPPOSITE + """
import unittest

class BankTest(unittest.TestCase):
    def test_hangs(self):
        opposite()

    def test_passes(self):
        pass

    def test_fails(self):
        self.assertEqual("one", "two")

    def test_skipped(self):
        self.skipTest("not today")
"""


class PythonTestingTest(GordianCase):
    def python(self, *arguments):
        environment = self.environment(GORDIAN=GORDIAN, PYTHONPATH=str(SOURCE / "python"), PYTHONDONTWRITEBYTECODE="1")
        return subprocess.run([sys.executable, *arguments], cwd=self.folder, env=environment, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=4 * PATIENCE, check=False)

    def pytest(self, *options):
        (self.folder / "test_bank.py").write_text(OF_PYTEST)
        result = self.python("-m", "pytest", "-p", "gordian_testing.pytest_plugin", "--gordian", "--junitxml=results.xml", *options)
        cases = xml.etree.ElementTree.parse(self.folder / "results.xml").iter("testcase")
        verdicts = {case.get("name"): [problem.tag for problem in case if problem.tag != "system-out"] for case in cases}
        return result, verdicts

    def check(self, result, verdicts):
        self.assertEqual(result.returncode, 1, result.stdout)
        self.assertEqual(verdicts, {
            "test_hangs": ["failure"], "test_passes": [], "test_fails": ["failure"], "test_is_to_hang": [],
            "test_is_to_hang_and_does_not": ["failure"], "test_skipped": ["skipped"], "test_each[1]": [],
            "test_each[2]": ["failure"], "test_leaves_a_thread": []}, result.stdout)
        self.assertRegex(result.stdout, r"waits for second, which Thread-2 .* holds")
        self.assertRegex(result.stdout, r"waits for first, which\s+Thread-1 .* holds")
        self.assertIn("deadlock was expected, and not found", result.stdout)
        self.assertIn("test_leaves_a_thread leaves behind: thread left (daemon)", result.stdout)

    def test_pytest(self):
        self.check(*self.pytest())

    def test_pytest_with_xdist(self):
        self.check(*self.pytest("-n", "2"))

    def test_without_the_option_nothing_is_changed(self):
        (self.folder / "test_bank.py").write_text("import os\n\ndef test_own_process():\n    assert not os.environ.get('LD_PRELOAD')\n")
        result = self.python("-m", "pytest", "-p", "gordian_testing.pytest_plugin")
        self.assertEqual(result.returncode, 0, result.stdout)

    def test_unittest(self):
        (self.folder / "test_bank.py").write_text(OF_UNITTEST)
        result = self.python("-m", "gordian_testing", "-v", "test_bank")
        self.assertEqual(result.returncode, 1, result.stderr)
        for line in ("test_hangs (test_bank.BankTest.test_hangs) ... FAIL", "test_fails (test_bank.BankTest.test_fails) ... FAIL",
                     "test_passes (test_bank.BankTest.test_passes) ... ok",
                     "test_skipped (test_bank.BankTest.test_skipped) ... skipped 'not today'"):
            self.assertIn(line, result.stderr)
        self.assertRegex(result.stderr, r"waits for second, which Thread-2 .* holds")


if __name__ == "__main__":
    unittest.main()
