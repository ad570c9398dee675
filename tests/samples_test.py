"""The samples as a whole, and that the comparison which judges each of them can fail."""
import os
import pathlib
import re
import unittest

import run_sample

SOURCE = pathlib.Path(os.environ["GORDIAN_SOURCE"])
BUILD = pathlib.Path(os.environ["GORDIAN_BUILD"])
MOST_LINES = 50


def known_rules():
    """The rules that there are, from the table of the analyser."""
    table = (SOURCE / "libsync" / "analyze" / "rules.cc").read_text()
    return set(re.findall(r'\{\s*"([a-z]+(?:-[a-z]+)+|deadlock)"', table))


def reported_rules():
    """Those that a detector names."""
    detectors = SOURCE / "libsync" / "analyze" / "detectors"
    literals = {literal for path in detectors.glob("*.cc") for literal in re.findall(r'"([a-z-]+)"', path.read_text())}
    return known_rules() & literals


class SamplesTest(unittest.TestCase):
    def setUp(self):
        self.samples = run_sample.all_samples(SOURCE)
        self.by_name = {sample.name: sample for sample in self.samples}

    def test_every_sample_tells_its_story_and_what_it_must_give(self):
        rules = known_rules()
        self.assertIn("lock-order-cycle", rules)
        for sample in self.samples:
            with self.subTest(sample.name):
                self.assertGreater(len(sample.story), 20)
                self.assertLessEqual(sample.line_count, MOST_LINES)
                self.assertTrue(sample.expected)
                self.assertTrue(sample.expected == ["clean"] or "clean" not in sample.expected)
                self.assertLessEqual(set(sample.rules), rules)
                for words in sample.expected:
                    self.assertRegex(words, r"^[a-z-]+( (error|warning|note))?$")

    def test_as_many_clean_traps_as_defects(self):
        clean = [sample for sample in self.samples if not sample.rules]
        self.assertGreaterEqual(len(self.samples), 40)
        self.assertGreaterEqual(2 * len(clean), len(self.samples))

    def test_every_rule_has_a_sample(self):
        expected = {rule for sample in self.samples for rule in sample.rules}
        self.assertIn("deadlock", reported_rules())
        self.assertEqual(reported_rules() - expected, set())

    def test_a_finding_too_many_fails(self):
        sample = self.by_name["abba"]
        sample.expected = ["clean"]
        complaints = run_sample.check(sample, [], BUILD, SOURCE)
        self.assertIn("not expected: 1 lock-order-cycle", complaints)

    def test_a_missing_finding_fails(self):
        sample = self.by_name["gate_lock"]
        sample.expected = ["lock-order-cycle"]
        complaints = run_sample.check(sample, [], BUILD, SOURCE)
        self.assertIn("missing: 1 lock-order-cycle", complaints)

    def test_a_finding_twice_is_not_once(self):
        sample = self.by_name["two_cycles"]
        sample.expected = ["lock-order-cycle"]
        complaints = run_sample.check(sample, [], BUILD, SOURCE)
        self.assertIn("not expected: 1 lock-order-cycle", complaints)

    def test_a_program_that_does_not_hang_although_it_should_fails(self):
        sample = self.by_name["abba"]
        sample.hangs = True
        complaints = run_sample.check(sample, [], BUILD, SOURCE)
        self.assertIn("alone it ends with 0", complaints)


if __name__ == "__main__":
    unittest.main()
