"""System V semaphores: every call answers as without the shim, and processes mean the same by one."""
import unittest

from raw_trace import traces
from shim_case import ShimCase

SYSTEM_V = 3


class SystemVTest(ShimCase):
    SOURCES = {"system_v.c": []}

    def check(self, scenario, expect=()):
        self.compare([self.probe["system_v"], scenario], expect, 0)
        return [[lock.shared for lock in trace.locks if lock.kind == "System V semaphore"]
                for trace in traces(self.traced)]

    def test_what_the_calls_answer(self):
        self.check("codes")
        self.check("removed")

    def test_what_is_no_lock_makes_no_cycle(self):
        self.check("no-cycles")

    def test_parent_and_child(self):
        child, parent = sorted(self.check("processes"), key=len)
        self.assertEqual({identity.space for identity in parent}, {SYSTEM_V})
        self.assertEqual([identity.offset for identity in parent], [0, 1])
        self.assertLessEqual(set(child), set(parent))


if __name__ == "__main__":
    unittest.main()
