"""Signals at any moment and stacks of any kind: no crash, no hang, no byte overwritten, no false finding."""
import unittest

from shim_case import ShimCase


class SignalsTest(ShimCase):
    SOURCES = {"signals.c": []}

    def check(self, scenario, expect=(), status=0):
        return self.compare([self.probe["signals"], scenario], expect, status)

    def test_a_handler_that_locks(self):
        self.check("handler-locks")

    def test_a_handler_that_interrupts_the_recorder(self):
        self.check("handler-meets-recorder")
        self.check("handler-meets-threads")

    def test_a_handler_at_each_instruction_of_a_known_call(self):
        self.check("handler-at-each-instruction")

    def test_a_handler_before_the_thread_begins(self):
        report = self.check("before-thread-begins")
        self.assertEqual(report["coverage"]["threads"], 21)

    def test_a_handler_that_forks(self):
        self.check("handler-forks", expect=None)

    def test_siglongjmp_out_of_a_blocked_lock(self):
        self.check("jump-out-of-lock")

    def test_siglongjmp_out_of_the_recorder(self):
        self.check("jump-out-of-recorder")

    def test_alternate_stacks(self):
        self.check("alternate-stack")

    def test_little_stacks(self):
        self.check("little-stacks")

    def test_coroutines(self):
        self.check("coroutines")

    def test_masks_and_handlers_are_untouched(self):
        self.check("state")

    def test_every_way_to_handle_a_signal(self):
        self.check("handler-calls")


if __name__ == "__main__":
    unittest.main()
