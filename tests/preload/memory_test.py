"""Locks in memory that moves, stays, or is left behind by a fork."""
import unittest

from shim_case import ShimCase


class MemoryTest(ShimCase):
    SOURCES = {"memory.c": ["-D_GNU_SOURCE"]}

    def test_moved(self):
        for scenario in ("private", "inheriting"):
            for options in ("", ":identity=memory"):
                with self.subTest(scenario, options=options):
                    self.compare([self.probe["memory"], scenario], [], 0, options)

    def test_not_moved(self):
        for scenario in ("unmapped", "not-forked", "forked"):
            with self.subTest(scenario):
                self.compare([self.probe["memory"], scenario], [], 0)


if __name__ == "__main__":
    unittest.main()
