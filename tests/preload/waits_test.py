"""wait, wait3, wait4, waitpid and waitid: what they return, what they write and what they leave alone."""
import unittest

from shim_case import ShimCase


class WaitsTest(ShimCase):
    SOURCES = {"waits.c": []}

    def test_every_wait_call(self):
        self.compare([self.probe["waits"]], expect=None, status=0)


if __name__ == "__main__":
    unittest.main()
