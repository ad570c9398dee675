"""flock, fcntl and lockf by the kernel's rules: every call answers what it answers without the shim, and what the
recorder believes to be held is held."""
import unittest

from shim_case import ShimCase


class FileLocksTest(ShimCase):
    SOURCES = {"file_locks.c": ["-D_FILE_OFFSET_BITS=64"]}

    def check(self, scenario, expect=(), **more):
        return self.compare([self.probe["file_locks"], scenario], expect, 0, cwd=self.folder, **more)

    def test_flocks(self):
        self.check("flocks")

    def test_ranges(self):
        self.check("ranges", ["file-lock-lost"])

    def test_ranges_of_open_files(self):
        self.check("open-file-ranges")

    def test_lockf(self):
        self.check("lockf")

    def test_a_deadlock_that_the_kernel_answers(self):
        self.check("deadlock")

    def test_fork(self):
        self.check("fork")

    def test_interrupted_waits(self):
        self.check("interrupted")

    def test_cancelled_waits(self):
        self.check("cancelled")

    def test_other_commands_and_bad_arguments(self):
        self.check("commands")


if __name__ == "__main__":
    unittest.main()
