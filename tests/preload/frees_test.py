"""free and realloc under --check-free: what they do to a program is what they did, whatever allocator it has."""
import os
import pathlib
import unittest

from shim_case import SHIM, ShimCase, build

CHECK_FREE = pathlib.Path(os.environ["GORDIAN_BUILD"]) / "lib" / "libgordian_check_free.so"


class FreesTest(ShimCase):
    SOURCES = {"frees.c": []}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.allocator = build(cls.programs, "mutex_malloc.c", "-shared", "-fPIC", "-fno-builtin")

    def check(self, scenario, expect=(), preload=None, options=":check_free=1"):
        preload = preload or [CHECK_FREE]
        environment = {"LD_PRELOAD": ":".join(map(str, preload))}
        return self.compare([self.probe["frees"], scenario], expect, 0, options, environment)

    def test_rightly(self):
        self.check("rightly")

    def test_wrongly(self):
        self.check("wrongly", ["free-in-use"])

    def test_with_an_allocator_on_a_mutex(self):
        self.check("rightly", (), [CHECK_FREE, self.allocator])
        self.check("wrongly", ["free-in-use"], [CHECK_FREE, self.allocator])

    def test_the_object_without_the_option(self):
        self.check("rightly", (), options="")

    def test_the_option_without_the_object(self):
        report = self.compare([self.probe["frees"], "rightly"], (), 0, ":check_free=1")
        self.assertRegex("\n".join(report["coverage"]["unseen"]), "no free was looked at in .*libgordian_check_free.so")
        report = self.check("rightly")
        self.assertEqual(report["coverage"]["unseen"], [])


if __name__ == "__main__":
    unittest.main()
