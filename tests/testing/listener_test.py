"""gordian::gtest_main, as a project of somebody else's finds and uses it from where Gordian was installed."""
import glob
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.environ["GORDIAN_SOURCE"], "tests", "preload"))

from shim_case import BUILD, CXX, GORDIAN, SOURCE, clean_environment, finish  # noqa: E402

BUILDING = 250  # seconds, on a busy machine
# What each test that leaves something behind is told.
EXPECTED = {
    "Judged.DirtyLockIsHeld": "main holds kept at the end of the test",
    "Judged.DirtyUnlockNotHeld": "main unlocks free, which nobody holds",
    "Judged.DirtyThreadFinishes": "the test did not join or detach it",
    "Judged.DirtyThreadRuns": "did not join or detach it",
    "Judged.DirtyThreadEndsHolding": "ended while it held taken along",
    "Judged.DirtyChildIsLeft": "the test did not wait for it|which did not wait for it",
    "Judged.DirtyCycle": "first and second are taken in opposite orders|second and first are taken in opposite orders",
}


@unittest.skipIf(os.environ.get("GORDIAN_SANITIZE"), "a sanitized build is not for installing")
class ListenerTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="gordian-external-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        prefix, build = cls.folder / "prefix", cls.folder / "build"
        for command in (["cmake", "--install", BUILD, "--prefix", prefix],
                        ["cmake", "-S", SOURCE / "tests" / "testing" / "external", "-B", build,
                         f"-DCMAKE_PREFIX_PATH={prefix}", f"-DCMAKE_CXX_COMPILER={CXX}", "-DCMAKE_BUILD_TYPE=Debug"],
                        ["cmake", "--build", build]):
            done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True, timeout=BUILDING, check=False)
            if done.returncode != 0:
                raise AssertionError(done.stdout)
        cls.judged = build / "judged"

    def run_tests(self, *before, pattern="*", **environment):
        result = finish([*before, self.judged, f"--gtest_filter={pattern}"], env=clean_environment(**environment))
        text = result.stdout.decode()
        failed = set(re.findall(r"^\[  FAILED  \] (\w+\.\w+) \(", text, re.MULTILINE))
        passed = set(re.findall(r"^\[       OK \] (\w+\.\w+) \(", text, re.MULTILINE))
        return result, failed, passed

    def test_what_leaves_something_behind_fails_and_says_what(self):
        result, failed, passed = self.run_tests()
        text = re.sub(r"\s+", " ", result.stdout.decode())
        self.assertEqual(failed, set(EXPECTED), result.stdout.decode())
        self.assertEqual({name[:12] for name in passed}, {"Judged.Clean"})
        self.assertEqual(len(passed), 6)
        self.assertEqual((result.returncode, result.stderr), (1, b""))
        for name, words in EXPECTED.items():
            with self.subTest(name):
                told = text.split(f"[ RUN ] {name}")[1].split("[ FAILED ]")[0]
                self.assertRegex(told, words)
                self.assertIn("judged.cc", told)

    def test_clean_tests_pass_and_nothing_stays(self):
        before = set(glob.glob(f"/dev/shm/gordian-{os.geteuid()}/run-*"))
        result, failed, passed = self.run_tests(pattern="*.CleanLocks:*.CleanThread*:*.CleanChild*:*.CleanDeath*")
        self.assertEqual((result.returncode, failed, len(passed)), (0, set(), 4), result)
        left = set(glob.glob(f"/dev/shm/gordian-{os.geteuid()}/run-*")) - before
        self.assertEqual([path for path in left if self.is_over(path)], [])

    def is_over(self, path):
        return not os.path.exists(f"/proc/{os.path.basename(path).split('-')[1]}")

    def test_under_gordian_run_both_work(self):
        report = self.folder / "report.txt"
        result, failed, _ = self.run_tests(GORDIAN, "run", "--text", report, "--", pattern="Judged.DirtyCycle")
        self.assertEqual((result.returncode, failed), (1, {"Judged.DirtyCycle"}), result)
        self.assertIn("lock-order-cycle", report.read_text())

    def test_tests_that_are_not_judged_say_so(self):
        result, failed, _ = self.run_tests(pattern="Judged.DirtyLockIsHeld", GORDIAN_OPTIONS="skip=judged")
        self.assertEqual((result.returncode, failed), (0, set()))
        self.assertIn(b"its tests are not judged", result.stderr)


if __name__ == "__main__":
    unittest.main()
