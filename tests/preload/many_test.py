"""Many threads and locks: the program runs as without the shim, and nothing that the recorder keeps is used up."""
import unittest

from shim_case import ShimCase


class ManyTest(ShimCase):
    SOURCES = {"many.c": ["-D_GNU_SOURCE"]}

    def check(self, scenario, count, options=""):
        return self.compare([self.probe["many"], scenario, str(count)], [], 0, options)["coverage"]

    def test_nothing_is_lost(self):
        for scenario, count in (("threads-in-turn", 10_000), ("threads-at-once", 2_000), ("locks-alive", 100_000),
                                ("held", 3_334)):
            with self.subTest(scenario):
                self.assertEqual(self.check(scenario, count)["dropped"], 0)

    def test_nothing_is_lost_where_everything_is_timed(self):
        for scenario, count in (("threads-at-once", 100), ("locks-alive", 1_000), ("held", 150)):
            with self.subTest(scenario):
                coverage = self.check(scenario, count, ":hold_ms=3600000:wait_ms=3600000")
                self.assertEqual(coverage["dropped"], 0)

if __name__ == "__main__":
    unittest.main()
