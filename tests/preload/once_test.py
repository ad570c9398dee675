"""pthread_once and its kin: the routine runs as often as without the shim, and whoever left it does not hold the flag."""
import unittest

from shim_case import ShimCase


class OnceTest(ShimCase):
    SOURCES = {"once.cc": ["-std=c++20"]}

    def check(self, scenario, expect=(), status=0):
        return self.compare([self.probe["once"], scenario], expect, status)

    def test_ends_that_are_no_fault(self):
        for scenario in ("plain", "nested", "waiters", "thrown", "thrown-through-two", "cancelled", "thread-exit",
                         "jumped", "jumped-inside", "forked", "forked-inside", "cloned-inside"):
            with self.subTest(scenario):
                self.check(scenario)

    def test_the_process_ends_inside(self):
        self.check("exits", status=6)
        self.check("uncaught", status=-6)

    def test_a_routine_that_waits_for_itself(self):
        self.check("on-itself", expect=None, status=-14)


if __name__ == "__main__":
    unittest.main()
