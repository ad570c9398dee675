"""A malloc that stands on a mutex, and libraries that are unloaded with their locks."""
import shutil
import unittest

from shim_case import ShimCase, build


class AllocatorTest(ShimCase):
    SOURCES = {"allocator.c": ["-fno-builtin"]}

    def test_threads_that_allocate(self):
        self.compare([self.probe["allocator"], "threads"], [], 0)

    def test_forks_while_another_thread_allocates(self):
        self.compare([self.probe["allocator"], "forks"], [], 0)


class UnloadedTest(ShimCase):
    SOURCES = {"unloaded.c": ["-ldl"]}

    def setUp(self):
        super().setUp()
        first = build(self.folder, "plugin.c", "-shared", "-fPIC", name="first.so")
        self.libraries = [first, shutil.copy(first, self.folder / "second.so")]

    def test_one_library_has_both_orders(self):
        self.compare([self.probe["unloaded"], self.libraries[0], self.libraries[0], "1", "keep"],
                     ["lock-order-cycle"], 0)

    def test_the_locks_of_two_libraries_at_one_address_are_two(self):
        self.compare([self.probe["unloaded"], *self.libraries], [], 0)

    def test_nothing_is_lost_in_a_thousand_rounds(self):
        report = self.compare([self.probe["unloaded"], *self.libraries, "1000"], [], 0)
        self.assertEqual(report["coverage"]["dropped"], 0)


if __name__ == "__main__":
    unittest.main()
