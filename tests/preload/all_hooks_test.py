"""Every hook passes its call through before the shim is set up and after the program is over, wherever it is called from."""
import os
import subprocess
import unittest

from shim_case import BUILD, SHIM, ShimCase, build, clean_environment, finish

LIBRARY = ("-shared", "-fPIC")
LINKED_SHIM = (f"-L{BUILD / 'lib'}", "-lgordian_preload", f"-Wl,-rpath,{BUILD / 'lib'}")


def hooks():
    """The names that the shim exports; its annotations are no hooks."""
    rows = subprocess.run(["nm", "-D", "--defined-only", SHIM], check=True, capture_output=True, text=True).stdout
    return {row.split()[-1] for row in rows.splitlines() if "gordian_" not in row}


class AllHooksTest(ShimCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.library = build(cls.programs, "all_hooks.c", *LIBRARY, name="liball_hooks.so")
        linked = ("-Wl,--no-as-needed", f"-L{cls.programs}", "-lall_hooks", f"-Wl,-rpath,{cls.programs}")
        cls.loads = build(cls.programs, "loads.c")
        cls.loader = build(cls.programs, "loads.c", *LIBRARY, name="libloads.so")
        cls.linked = build(cls.programs, "loads.c", *linked, name="linked")
        cls.shim_first = build(cls.programs, "loads.c", "-Wl,--no-as-needed", *LINKED_SHIM, *linked, name="shim-first")
        cls.shim_last = build(cls.programs, "loads.c", *linked, *LINKED_SHIM, name="shim-last")

    def check(self, command, bare, shimmed, command_with_shim=None):
        """Same output and end with an environment that has the shim as with one that does not, and all hooks called."""
        options = {"cwd": self.folder}
        expected = finish(command, env=clean_environment(**bare), **options)
        self.assertEqual(expected.stderr, b"")
        lines = expected.stdout.decode().splitlines()
        self.assertEqual([line for line in lines if ":" not in line], ["constructor", "end", "destructor", "end"])
        self.assertEqual(hooks() - {line.split(":")[0] for line in lines}, set())
        got = finish(command_with_shim or command, env=clean_environment(**shimmed), **options)
        self.assertEqual((got.returncode, got.stdout.decode().splitlines(), got.stderr),
                         (expected.returncode, lines, b""))

    def with_shim(self, **more):
        self.traced = self.run_folder()
        return {"GORDIAN_OPTIONS": f"run={self.traced}", "LD_PRELOAD": SHIM, **more}

    def was_recorded(self):
        self.assertTrue(os.listdir(self.traced), "no trace was left: the shim was not there")
        self.report(self.traced)

    def test_preloaded_before_the_shim(self):
        self.check(["true"], {"LD_PRELOAD": self.library}, self.with_shim(LD_PRELOAD=f"{self.library}:{SHIM}"))
        self.was_recorded()

    def test_preloaded_after_the_shim(self):
        self.check(["true"], {"LD_PRELOAD": self.library}, self.with_shim(LD_PRELOAD=f"{SHIM}:{self.library}"))
        self.was_recorded()

    def test_linked(self):
        self.check([self.linked], {}, self.with_shim())
        self.was_recorded()

    def test_loaded_while_the_program_runs(self):
        self.check([self.loads, self.library], {}, self.with_shim())
        self.was_recorded()

    def test_loaded_by_a_constructor_before_the_shim(self):
        for order in ((self.loader, SHIM), (SHIM, self.loader)):
            with self.subTest(order):
                self.check(["true"], {"LD_PRELOAD": self.loader, "LOADS_EARLY": self.library},
                           self.with_shim(LD_PRELOAD=":".join(order), LOADS_EARLY=self.library))
                self.was_recorded()

    def test_in_a_resolver_of_the_program(self):
        for flags in ([], ["-Wl,-z,now"], ["-Wl,-z,lazy"], ["-fno-pie", "-no-pie"]):
            with self.subTest(flags):
                self.compare([build(self.folder, "resolver.c", *flags)], [], 0)

    def test_in_a_resolver_of_a_library_that_is_named_before_the_shim(self):
        """Of any other library the loader runs resolvers before it has relocated the shim (docs/coverage.md)."""
        library = build(self.folder, "resolver_library.c", *LIBRARY, "-Wl,-z,now", name="libresolver.so")
        self.assertEqual(finish(["true"], env=clean_environment(LD_PRELOAD=library)).returncode, 0)
        shimmed = finish(["true"], env=clean_environment(**self.with_shim(LD_PRELOAD=f"{library}:{SHIM}")))
        self.assertEqual((shimmed.returncode, shimmed.stderr), (0, b""))
        self.was_recorded()

    def test_with_a_linked_shim(self):
        for program in (self.shim_first, self.shim_last):
            for options in ({}, self.with_shim(LD_PRELOAD="")):
                with self.subTest((program, options)):
                    self.check([self.linked], {}, options, [program])
            self.was_recorded()


if __name__ == "__main__":
    unittest.main()
