"""A lock that a hook takes without libc is the lock that libc would have left: calls of the program and calls of libc's own,
which no hook sees, meet at one object, millions of times, in threads, with handlers, conditions, forks and cancellations."""
import unittest

from shim_case import ShimCase

KINDS = ["default", "normal", "recursive", "errorcheck", "adaptive", "rwlock", "semaphore", "spinlock"]
MUTEXES = KINDS[:5]
# The hooks take free locks, or leave all of them to libc.
WAYS = ["", ":take=libc"]


class FreeLocksTest(ShimCase):
    SOURCES = {"free_locks.c": ["-D_GNU_SOURCE"]}

    def check(self, scenario, kind, rounds=0, options="", environment=None):
        with self.subTest(scenario=scenario, kind=kind, options=options):
            self.compare([self.probe["free_locks"], scenario, kind, str(rounds)], None, 0, options, environment)

    def test_mixed_with_calls_of_libc(self):
        for kind in KINDS:
            self.check("mix", kind, 250000)

    def test_nobody_but_libc(self):
        for kind in KINDS:
            self.check("mix", kind, 20000, ":take=libc")

    def test_profiled(self):
        for kind in KINDS:
            self.check("mix", kind, 20000, ":profile=1")

    def test_conditions(self):
        for kind in MUTEXES:
            self.check("conditions", kind, 20000)

    def test_handlers(self):
        for kind in MUTEXES:
            self.check("handlers", kind, 4000)

    def test_forks(self):
        # A read-write lock keeps the readers that are missing in a child: it waits for them, with libc alone too.
        for kind in KINDS:
            if kind != "rwlock":
                self.check("forks", kind, 20000)

    def test_cancellation(self):
        for kind in KINDS:
            self.check("cancellation", kind)

    def test_what_is_seen_in_a_lock(self):
        for options in WAYS:
            self.compare([self.probe["free_locks"], "seen"], None, 0, options)

    def test_elision_is_left_to_libc(self):
        self.check("mix", "default", 20000, "", {"GLIBC_TUNABLES": "glibc.elision.enable=1"})


if __name__ == "__main__":
    unittest.main()
