"""Locks of streams: every call answers as without the shim, and what is closed is not held."""
import unittest

from shim_case import ShimCase


class StreamsTest(ShimCase):
    SOURCES = {"streams.c": []}

    def test_calls_and_ends(self):
        for scenario in ("calls", "closed", "closed-in-use", "forked"):
            with self.subTest(scenario):
                self.compare([self.probe["streams"], scenario], [], 0)


if __name__ == "__main__":
    unittest.main()
