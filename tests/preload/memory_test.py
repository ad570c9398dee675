"""Locks in memory that moves, stays, or is left behind by a fork."""
import unittest

from raw_trace import traces
from shim_case import ShimCase


class MemoryTest(ShimCase):
    SOURCES = {"memory.c": ["-D_GNU_SOURCE"]}

    def test_moved(self):
        for scenario in ("private", "inheriting"):
            for options in ("", ":identity=memory"):
                with self.subTest(scenario, options=options):
                    self.compare([self.probe["memory"], scenario], [], 0, options)

    def test_a_copy_far_away_is_another_lock(self):
        self.compare([self.probe["memory"], "far-copy"], [], 0)
        trace, = traces(self.traced)
        low, high = sorted(lock.address for lock in trace.locks if lock.kind != "channel")
        self.assertEqual(high - low, 1 << 35)

    def test_memory_that_goes_away_again(self):
        """What is learnt of a lock whose memory is gone does not bring it back: its record would be the trace's header."""
        report = self.compare([self.probe["memory"], "unmapped-again"], ["lock-held-at-process-exit"], 0)
        self.assertEqual([line for line in report["coverage"]["unseen"] if "trace" in line], [])

    def test_not_moved(self):
        for scenario in ("unmapped", "not-forked", "forked"):
            with self.subTest(scenario):
                self.compare([self.probe["memory"], scenario], [], 0)


if __name__ == "__main__":
    unittest.main()
