"""The exec family: the same programs with the same arguments and environment, or the same errno."""
import os
import unittest

from shim_case import SHIM, ShimCase, build, clean_environment, finish, rules

WAYS = ["execl", "execlp", "execle", "execv", "execvp", "execvpe", "execve", "fexecve", "execveat", "execveat-empty"]
# Another preload, which must survive whatever happens to ours. There is one for 64 and for 32 bits.
OTHER = {"LD_PRELOAD": "libm.so.6"}


class ExecTest(ShimCase):
    SOURCES = {"exec.c": [], "show.c": []}

    def show(self, how, program, *more, expect=()):
        """LD_PRELOAD is among what is shown: programs that can load the shim keep it, so it is taken out."""
        run = self.compare_shown([self.probe["exec"], how, program, *more])
        self.assertEqual(rules(self.report(run)), sorted(expect))
        return run

    def compare_shown(self, command, keeps_shim=True):
        bare = finish(command, env=clean_environment(**OTHER))
        run = self.run_folder()
        shimmed = finish(command, env=self.shim_environment(run, **OTHER))
        out = shimmed.stdout.decode()
        if keeps_shim:
            self.assertIn(f"LD_PRELOAD={SHIM}:libm.so.6", out)
            out = out.replace(SHIM + ":", "")
        self.assertEqual((bare.returncode, bare.stdout.decode(), bare.stderr.decode()),
                         (shimmed.returncode, out, shimmed.stderr.decode()))
        self.assertIn("argument", out)
        return run

    def traces(self, run):
        return sorted(name for name in os.listdir(run) if name.endswith(".trace"))

    def test_every_way(self):
        for how in WAYS + ["raw"]:
            with self.subTest(how):
                run = self.show(how, self.probe["show"])
                self.assertEqual(len(self.traces(run)), 2)

    def test_without_an_environment(self):
        for how in ("no-environment", "environ-cleared"):
            with self.subTest(how):
                run = self.compare_shown([self.probe["exec"], how, self.probe["show"]], keeps_shim=False)
                self.assertEqual(len(self.traces(run)), 1)

    def test_from_a_thread(self):
        for how in ("execv", "execle", "execvp"):
            with self.subTest(how):
                self.show(how, self.probe["show"], "thread")

    def test_in_a_vfork_child(self):
        for how in WAYS:
            with self.subTest(how):
                self.show(how, self.probe["show"], "vfork")

    def test_with_a_lock_held(self):
        self.show("execv", self.probe["show"], "holding")

    def test_a_script(self):
        script = self.folder / "script"
        script.write_text(f"#!{self.probe['show']} first argument\n")
        script.chmod(0o755)
        for how in WAYS[:7]:
            with self.subTest(how):
                self.show(how, script)

    def test_a_script_without_its_first_line(self):
        script = self.folder / "script"
        script.write_text(f"exec {self.probe['show']} \"$@\"\n")
        script.chmod(0o755)
        for how in ("execlp", "execvp", "execvpe"):
            with self.subTest(how):
                self.show(how, script)

    def test_failing(self):
        self.compare([self.probe["exec"], "failing"], status=3)

    def test_programs_that_cannot_load_the_shim(self):
        programs = {
            "musl": build(self.folder, "show.c", compiler="musl-gcc", name="musl"),
            "32 bits": build(self.folder, "show.c", "-m32", compiler="gcc", name="bits"),
        }
        script = self.folder / "script"
        script.write_text(f"#! {programs['32 bits']}\n")
        script.chmod(0o755)
        programs["script of 32 bits"] = str(script)
        for kind, program in programs.items():
            for how in WAYS[:7] if "script" in kind else WAYS:
                for more in ([], ["vfork"]):
                    with self.subTest(kind=kind, how=how, more=more):
                        run = self.compare_shown([self.probe["exec"], how, program, *more], keeps_shim=False)
                        self.assertEqual(len(self.traces(run)), 1)

    def test_a_program_found_by_path(self):
        # execvpe and posix_spawnp look along the caller's PATH, whatever PATH the new program gets.
        build(self.folder, "show.c", "-m32", compiler="gcc", name="only-here")
        for how in ("execlp", "execvp", "execvpe"):
            with self.subTest(how):
                run = self.run_folder()
                path = f"{self.folder}:{os.environ['PATH']}"
                shimmed = finish([self.probe["exec"], how, "only-here"], env=self.shim_environment(run, PATH=path))
                self.assertEqual((shimmed.returncode, shimmed.stderr), (23, b""))
                self.assertNotIn(b"LD_PRELOAD", shimmed.stdout)

    def test_a_static_program(self):
        program = build(self.folder, "show.c", "-static", compiler="gcc", name="static")
        for how in WAYS:
            with self.subTest(how):
                run = self.compare_shown([self.probe["exec"], how, program])
                self.assertEqual(len(self.traces(run)), 1)


if __name__ == "__main__":
    unittest.main()
