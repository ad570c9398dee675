"""C11's mtx_, cnd_ and thrd_ calls: every call returns what it returns without the shim."""
import unittest

from shim_case import ShimCase


class C11Test(ShimCase):
    SOURCES = {"c11.c": []}

    def check(self, scenario, expect=()):
        return self.compare([self.probe["c11"], scenario], expect, 0)

    def test_mutexes(self):
        self.check("kinds", expect=None)

    def test_conditions(self):
        self.check("conditions", ["api-error"])  # of the deadline that is none

    def test_a_cancelled_wait(self):
        self.check("cancelled")

    def test_threads(self):
        self.check("threads", expect=None)

    def test_thrd_exit_of_main(self):
        self.check("main-exits")


if __name__ == "__main__":
    unittest.main()
