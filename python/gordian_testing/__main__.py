"""`python3 -m gordian_testing [arguments of unittest]`: each test of unittest in a process of its own under `gordian run`.

A finding at error level is a failure of its test; a test that hangs for good is ended and failed with both sides of the
deadlock; what a test leaves behind is named. GORDIAN_TEST_TIMEOUT: seconds after which a test is ended at any rate.
"""
import json
import os
import sys
import unittest

import gordian_testing


class Finding(AssertionError):
    """What stands in the result of a test that failed in its own process, or by a finding."""


class Written(unittest.TestResult):
    """In the process of one test: writes down how it went."""

    def __init__(self, path):
        super().__init__()
        self.path = path

    def write(self, **value):
        with open(self.path, "a", encoding="utf-8") as file:
            print(json.dumps(value), file=file)

    def stopTest(self, test):
        problems = [text for _, text in self.failures + self.errors]
        problems += ["it was expected to fail, and passed"] if self.unexpectedSuccesses else []
        self.write(problems=problems, errors=len(self.errors), skipped=[why for _, why in self.skipped],
                   expected=bool(self.expectedFailures))


class Outer(unittest.TextTestRunner):
    """Runs each test of a suite elsewhere, and tells the results as unittest does."""

    def run(self, test):
        return super().run(unittest.TestSuite(Elsewhere(case) for case in tests_of(test)))


def tests_of(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from tests_of(test)
        else:
            yield test


class Elsewhere(unittest.TestCase):
    """One test, in a process of its own."""

    def __init__(self, case):
        super().__init__()
        self.case = case

    def id(self):
        return self.case.id()

    def __str__(self):
        return str(self.case)

    def shortDescription(self):
        return self.case.shortDescription()

    def runTest(self):
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path)}
        verdict = gordian_testing.run([sys.executable, "-m", "gordian_testing", "--one", self.case.id()],
                                      float(os.environ.get("GORDIAN_TEST_TIMEOUT", "0")), env=environment)
        ends = [line for line in verdict.lines if "problems" in line]
        failures = verdict.failures("error", [])
        if not ends:
            failures.append(f"the test did not come to its end (exit code {verdict.exit_code})")
        problems = [problem for end in ends for problem in end["problems"]]
        if failures:
            problems.append("\n".join(failures) + "\n\n" + verdict.text)
        if problems:
            raise Finding("\n".join(problems))
        left = [what for line in verdict.lines for what in line.get("left", [])]
        if left:
            print(f"{self.id()} leaves behind: {', '.join(left)}", file=sys.stderr)
        if any(end["skipped"] for end in ends):
            self.skipTest(", ".join(why for end in ends for why in end["skipped"]))


def run_one(name, path):
    result = Written(path)
    unittest.defaultTestLoader.loadTestsFromName(name).run(result)
    result.write(left=gordian_testing.leftovers())


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        run_one(*sys.argv[2:])
    else:
        unittest.main(module=None, testRunner=Outer, argv=["python3 -m gordian_testing", *sys.argv[1:]])
