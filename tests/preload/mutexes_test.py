"""Mutexes and conditions of every kind: every call returns what it returns without the shim."""
import unittest

from shim_case import ShimCase


class MutexesTest(ShimCase):
    SOURCES = {"mutexes.c": []}

    def check(self, scenario, expect=None, status=0, **more):
        return self.compare([self.probe["mutexes"], scenario], expect, status, **more)

    def test_every_kind(self):
        self.check("kinds")

    def test_every_kind_by_memory_identity(self):
        self.check("kinds", options=":identity=memory")

    def test_an_owner_that_is_killed(self):
        self.check("owner-killed")

    def test_garbage(self):
        self.check("garbage")

    def test_null_pointers(self):
        self.check("null")

    def test_conditions(self):
        self.check("conditions")


if __name__ == "__main__":
    unittest.main()
