"""Barriers: every call answers as without the shim; rounds and misuse are recorded."""
import collections
import unittest

from raw_trace import traces
from shim_case import ShimCase

DESTROY_IN_USE, BARRIER_MISUSE, PASSED = 3, 12, 21
MOST_ROUNDS = 64


class BarriersTest(ShimCase):
    SOURCES = {"barriers.c": []}

    def check(self, scenario, expect=None):
        self.compare([self.probe["barriers"], scenario], expect, 0)
        return traces(self.traced)

    def events(self, images, *kinds):
        return [event for trace in images for event in trace.events if event.kind in kinds]

    def test_each_round_is_passed_by_all(self):
        images = self.check("few", [])
        passed = collections.Counter(event.value for event in self.events(images, PASSED))
        self.assertEqual(passed, {0: 3, 1: 3})
        # The segments of one thread follow each other.
        self.assertEqual(sorted(event.error for event in self.events(images, PASSED)), [1, 1, 1, 2, 2, 2])

    def test_later_rounds_are_not_recorded(self):
        passed = collections.Counter(event.value for event in self.events(self.check("many", []), PASSED))
        self.assertEqual(passed, {number: 4 for number in range(MOST_ROUNDS)})

    def test_counts(self):
        images = self.check("counts")
        self.assertEqual([event.value for event in self.events(images, BARRIER_MISUSE)], [0, 0x80000000])

    def test_legal_ends(self):
        for scenario in ("destroyed-at-once", "processes"):
            with self.subTest(scenario):
                self.assertEqual(self.events(self.check(scenario), DESTROY_IN_USE, BARRIER_MISUSE), [])

    def test_wrong_ends(self):
        self.assertEqual([event.value for event in self.events(self.check("made-anew"), BARRIER_MISUSE)], [2])
        self.assertEqual(len(self.events(self.check("destroyed-in-use"), DESTROY_IN_USE)), 1)


if __name__ == "__main__":
    unittest.main()
