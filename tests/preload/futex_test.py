"""syscall(): a futex wait is seen and counted by its place, and no call comes back otherwise than without the shim."""
import unittest

from raw_trace import traces
from shim_case import ShimCase


class FutexTest(ShimCase):
    SOURCES = {"futex.cc": ["-std=c++20"]}

    def check(self, scenario, expect=()):
        self.compare([self.probe["futex"], scenario], expect, 0)
        return sum(trace.futex_places for trace in traces(self.traced))

    def test_what_futex_calls_answer(self):
        self.assertEqual(self.check("codes"), 9)  # calls that wait, whatever they answer
        self.assertEqual(self.check("interrupted"), 1)

    def test_the_types_of_cpp20(self):
        self.assertGreaterEqual(self.check("types"), 1)

    def test_other_calls(self):
        self.assertEqual(self.check("others"), 0)

    def test_children(self):
        self.assertEqual(self.check("cloned", expect=None), 0)
        self.assertEqual(self.check("vforked", expect=None), 0)


if __name__ == "__main__":
    unittest.main()
