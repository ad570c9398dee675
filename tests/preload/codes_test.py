"""What every call returns: errors, deadlines of every sort, errno, in every kind of object, as without the shim."""
import unittest

from shim_case import ShimCase


class CodesTest(ShimCase):
    SOURCES = {"codes.c": ["-D_GNU_SOURCE", "-Wno-nonnull", "-Wno-deprecated-declarations"]}
    SCENARIOS = ("mutexes", "rwlocks", "semaphores", "spin-barrier-once", "c11", "files", "fcntls", "streams", "system-v",
                 "sleeps", "syscalls", "handlers")

    def test_codes(self):
        for scenario in self.SCENARIOS:
            with self.subTest(scenario):
                self.compare([self.probe["codes"], scenario], None, 0)

    def test_by_memory_identity(self):
        for scenario in ("mutexes", "rwlocks", "semaphores"):
            with self.subTest(scenario):
                self.compare([self.probe["codes"], scenario], None, 0, ":identity=memory")


if __name__ == "__main__":
    unittest.main()
