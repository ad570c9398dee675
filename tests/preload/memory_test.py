"""Locks in memory that moves."""
import unittest

from shim_case import ShimCase


class MemoryTest(ShimCase):
    SOURCES = {"moved_memory.c": ["-D_GNU_SOURCE"]}

    def test_moved(self):
        for scenario in ("private", "inheriting"):
            for options in ("", ":identity=memory"):
                with self.subTest(scenario, options=options):
                    self.compare([self.probe["moved_memory"], scenario], [], 0, options)


if __name__ == "__main__":
    unittest.main()
