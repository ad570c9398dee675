"""Every way out of a process: the same status, the same output, the same handlers in the same order."""
import unittest

from shim_case import ShimCase

# Scenario -> status, and the rules it must give.
WAYS = {
    "return": (41, []),
    "exit": (0x34, []),
    "raw-exit": (43, []),
    "capital-exit": (44, []),
    "quick-exit": (45, []),
    "exit-in-thread": (46, None),
    "raw-exit-in-thread": (47, None),
    "exit-in-exit": (48, []),
    "raw-exit-in-exit": (49, []),
    "abort": (-6, []),
    "abort-left": (50, []),
    "abort-ignored": (-6, None),
    "uncaught": (-6, []),
    "assert": (-6, None),
    "segfault": (51, []),
    "killed": (-9, None),
    "terminated": (-15, []),
    "terminated-handled": (52, []),
    "exit-while-others-hold": (53, None),
    "return-holding": (54, ["lock-held-at-process-exit"]),
    "fork-children": (0, None),
}


class ExitsTest(ShimCase):
    SOURCES = {"exits.cc": []}

    def test_every_way_out(self):
        for scenario, (status, expect) in WAYS.items():
            with self.subTest(scenario):
                self.compare([self.probe["exits"], scenario], expect, status)


if __name__ == "__main__":
    unittest.main()
