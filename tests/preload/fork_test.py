"""Children of every kind behave as without the shim, and what they do with inherited locks is no misuse."""
import unittest

from shim_case import ShimCase


# A child does not own what its parent locked recursively: its unlock answers EPERM, one finding of two children.
UNLOCKS_REFUSED = ["api-error"]


class ForkTest(ShimCase):
    SOURCES = {"fork.c": []}

    def check(self, scenario, expect=(), status=0):
        return self.compare([self.probe["fork"], scenario], expect, status)

    def test_fork_with_locks_held(self):
        report = self.check("fork", UNLOCKS_REFUSED)
        self.assertEqual(report["coverage"]["processes"], 3)

    def test_raw_fork_with_locks_held(self):
        report = self.check("raw-fork", UNLOCKS_REFUSED)
        self.assertEqual(report["coverage"]["processes"], 3)

    def test_clone(self):
        report = self.check("clone")
        self.assertEqual(report["coverage"]["processes"], 2)

    def test_clone_with_a_lock_held(self):
        self.check("clone-holding")

    def test_a_deep_line_of_children(self):
        self.check("deep", status=12)

    def test_fork_while_other_threads_lock(self):
        self.check("fork-of-many", expect=None)

    def test_fork_in_a_thread(self):
        self.check("thread-forks")

    def test_the_programs_own_fork_handlers(self):
        self.check("atfork")

    def test_vfork(self):
        self.check("vfork")

    def test_nested_vfork(self):
        self.check("nested-vfork")

    def test_vfork_in_threads(self):
        self.check("threads-vfork")

    def test_posix_spawn(self):
        self.check("spawn")

    def test_system_and_popen(self):
        self.check("system")

    def test_daemon(self):
        self.check("daemon")

    def test_forkpty(self):
        self.check("forkpty")

    def test_stopped_and_killed(self):
        self.check("killed", expect=None)

    def test_many_children_at_once(self):
        report = self.check("many")
        self.assertEqual(report["coverage"]["processes"], 201)


if __name__ == "__main__":
    unittest.main()
