"""What one thread hands to another by a condition, a semaphore or a once is recorded, and only that, up to a bound."""
import unittest

from raw_trace import traces
from shim_case import ShimCase

GAVE, TOOK = 22, 23
MOST = 64
ORDER_LOST = 1 << 12


class HandOversTest(ShimCase):
    SOURCES = {"hand_overs.c": []}

    def events(self, scenario):
        """The hand-overs as pairs of kind and value, in the order of their records, and all locks."""
        self.compare([self.probe["hand_overs"], scenario], None, 0)
        trace, = traces(self.traced)
        return [(event.kind, event.value) for event in trace.events
                if event.kind in (GAVE, TOOK) and event.object != "channel"], trace.locks

    def test_posts_come_before_the_waits_that_they_end(self):
        events, _ = self.events("few")
        self.assertEqual(events, 6 * [(GAVE, 0), (TOOK, 0)])

    def test_the_bound(self):
        events, locks = self.events("many")
        self.assertEqual([kind for kind, _ in events].count(GAVE), 2 * MOST)
        self.assertLessEqual([kind for kind, _ in events].count(TOOK), 2 * MOST)
        flags = [lock.flags & ORDER_LOST for lock in locks if lock.kind == "semaphore"]
        self.assertEqual(flags, [ORDER_LOST, ORDER_LOST])

    def test_a_signal_and_the_wait_that_it_ends(self):
        events, _ = self.events("condition")
        self.assertEqual(events, [(GAVE, 1), (TOOK, 0)])

    def test_signals_that_nobody_hears_and_waits_that_time_out(self):
        self.assertEqual(self.events("unheard")[0], [])

    def test_a_once_whose_routine_took_locks_once_a_thread(self):
        self.assertEqual(self.events("onces")[0], [(GAVE, 0)] + 3 * [(TOOK, 0)])


if __name__ == "__main__":
    unittest.main()
