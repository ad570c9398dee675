"""Threads that end early: cancellation, pthread_exit, exceptions and longjmp do what they do without the shim."""
import unittest

from shim_case import ShimCase


class CancelTest(ShimCase):
    SOURCES = {"cancel.cc": ["-Wno-nonnull"]}

    def check(self, scenario, expect=(), status=0):
        return self.compare([self.probe["cancel"], scenario], expect, status)

    def test_condition_waits(self):
        for scenario in ("cond", "cond-timed", "cond-clock", "cond-recursive"):
            with self.subTest(scenario):
                self.check(scenario)

    def test_the_mutex_of_a_cancelled_wait_is_held_until_the_handler_unlocks_it(self):
        self.check("cond-order")
        self.check("cond-order-cycle", ["lock-order-cycle"])

    def test_join(self):
        self.check("join")

    def test_sleep_with_a_lock_held(self):
        self.check("sleep")

    def test_waitpid(self):
        self.check("waitpid", expect=None)

    def test_asynchronous(self):
        self.check("asynchronous")
        self.check("asynchronous-return")
        self.check("asynchronous-locks", expect=None)

    def test_disabled(self):
        self.check("disabled")

    def test_lock_calls_are_no_cancellation_points(self):
        self.check("no-points")

    def test_pthread_exit(self):
        self.check("thread-exit")

    def test_pthread_exit_of_main(self):
        self.check("main-exits")

    def test_exceptions(self):
        self.check("caught")
        self.check("uncaught", expect=None, status=-6)

    def test_longjmp_out_of_a_condition_wait(self):
        self.check("jump")

    def test_a_thread_that_unmaps_where_its_creator_was_told_its_name(self):
        self.check("name-unmapped")

    def test_return_codes_of_thread_calls(self):
        self.check("codes", expect=None)


if __name__ == "__main__":
    unittest.main()
