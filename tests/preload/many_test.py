"""Many threads and locks: the program runs as without the shim, and nothing that the recorder keeps is used up."""
import unittest

from shim_case import ShimCase


class ManyTest(ShimCase):
    SOURCES = {"many.c": ["-D_GNU_SOURCE"]}

    def check(self, scenario, count):
        return self.compare([self.probe["many"], scenario, str(count)], [], 0)["coverage"]

    def test_nothing_is_lost(self):
        for scenario, count in (("threads-in-turn", 10_000), ("threads-at-once", 2_000), ("locks-alive", 100_000),
                                ("held", 3_334)):
            with self.subTest(scenario):
                self.assertEqual(self.check(scenario, count)["dropped"], 0)


if __name__ == "__main__":
    unittest.main()
