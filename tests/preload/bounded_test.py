"""A trace grows with distinct facts, not with time."""
import struct
import unittest

import raw_trace
from shim_case import ShimCase, finish


class BoundedTest(ShimCase):
    SOURCES = {"server.c": []}
    THREADS = 4
    # Two places, at most 64 instances of each in each of four threads, and their locks.
    MOST_BYTES = 256 << 10

    def used(self, requests, how):
        run = self.run_folder()
        done = finish([self.probe["server"], self.THREADS, requests, how], env=self.shim_environment(run))
        self.assertEqual(done.returncode, 0, done)
        traces = raw_trace.paths(run)
        self.assertEqual(len(traces), 1)
        with open(traces[0], "rb") as file:
            return struct.unpack_from("<Q", file.read(raw_trace.STREAM), raw_trace.USED)[0]

    def test_locks_of_each_request(self):
        for how in ("init", "static"):
            with self.subTest(how):
                self.assertGreater(self.used(1_000, how), 64 << 10)
                self.assertLessEqual(self.used(50_000, how), self.MOST_BYTES)


if __name__ == "__main__":
    unittest.main()
