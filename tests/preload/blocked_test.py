"""A thread blocked in any call that waits is let in, cancelled and interrupted as it is without the shim."""
import unittest

from shim_case import ShimCase


class BlockedTest(ShimCase):
    SOURCES = {"blocked.c": ["-D_GNU_SOURCE"]}

    def check(self, action, **more):
        self.compare([self.probe["blocked"], action], None, 0, **more)

    def test_let_in(self):
        self.check("release")
        self.check("release", options=":identity=memory")

    def test_cancelled(self):
        self.check("cancel")

    def test_cancelled_while_disabled(self):
        self.check("disabled")

    def test_cancelled_asynchronously(self):
        self.check("asynchronous")

    def test_interrupted(self):
        self.check("interrupt")

    def test_interrupted_and_restarted(self):
        self.check("restart")


if __name__ == "__main__":
    unittest.main()
