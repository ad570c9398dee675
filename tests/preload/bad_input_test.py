"""Objects that are none: zeroed, random, destroyed, misplaced, unwritable or missing. Every call does what it does without the
shim: the same answer, the same crash, the same sleep."""
import unittest

from shim_case import ShimCase


class BadInputTest(ShimCase):
    SOURCES = {"bad_input.c": ["-D_GNU_SOURCE", "-Wno-nonnull"],
               "bad_arguments.c": ["-D_GNU_SOURCE", "-Wno-nonnull", "-Wno-stringop-overread"]}
    FAMILIES = ("mutex", "rwlock", "rwlock written", "semaphore", "spinlock", "condition", "barrier", "once", "mtx", "cnd")

    def check(self, family, options=""):
        with self.subTest(family, options=options):
            self.compare([self.probe["bad_input"], family], None, 0, options)

    def test_objects(self):
        for family in self.FAMILIES:
            self.check(family)

    def test_objects_by_memory_identity(self):
        for family in ("mutex", "semaphore"):
            self.check(family, ":identity=memory")

    def test_arguments(self):
        self.compare([self.probe["bad_arguments"]], None, 0)


if __name__ == "__main__":
    unittest.main()
