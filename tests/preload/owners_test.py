"""Robust mutexes and priorities: whoever waits is told that an owner died, and lends it its priority, as without the shim."""
import unittest

from shim_case import ShimCase


class OwnersTest(ShimCase):
    SOURCES = {"owners.c": ["-D_GNU_SOURCE"]}

    def test_owners(self):
        for scenario in ("threads", "processes", "conditions", "priorities", "ceilings"):
            with self.subTest(scenario):
                self.compare([self.probe["owners"], scenario], None, 0)


if __name__ == "__main__":
    unittest.main()
