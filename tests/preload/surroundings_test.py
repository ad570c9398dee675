"""Limits, sandboxes, other users and roots: the program works as it does without the shim."""
import os
import unittest

from shim_case import GORDIAN, SHIM, ShimCase, build, clean_environment, finish, rules


class SurroundingsTest(ShimCase):
    SOURCES = {"surroundings.c": []}

    def check(self, scenario="plain", expect=(), status=0, **more):
        return self.compare([self.probe["surroundings"], scenario], expect, status, **more)

    def limited(self, limit, status=0):
        """Both runs under a limit of the shell's; what gets lost is not looked at."""
        return self.compare(["sh", "-c", f"ulimit {limit}; exec {self.probe['surroundings']} plain"], None, status)

    def gordian(self, *command):
        """Under the command: the program's end, and what the report says was lost."""
        path = self.folder / "report.json"
        result = finish([GORDIAN, "run", "-q", "--text", "/dev/null", "--json", path, "--", *command],
                        env=clean_environment())
        return result

    def test_a_time_of_the_programs_own(self):
        library = build(self.folder, "clock.c", "-DLIBRARY", "-shared", "-fPIC", name="libclock.so")
        self.compare([build(self.folder, "clock.c")], [], 0, ":hold_ms=600000", {"LD_PRELOAD": library})
        self.assertLess(self.report(self.traced)["run"]["seconds"], 600)

    def test_plain(self):
        self.check()

    def test_descriptors(self):
        self.check("close-all")
        self.check("no-descriptors")
        self.check("few-descriptors")

    def test_closed_standard_descriptors(self):
        self.compare(["sh", "-c", f"exec {self.probe['surroundings']} plain <&- 2>&-"], [], 0)
        self.compare(["sh", "-c", f"exec {self.probe['surroundings']} plain >&- 2>&- <&-"], [], 99)

    def test_limits(self):
        self.limited("-v 204800")
        self.check("no-file-size")
        # In blocks of 512 or 1024 bytes: less than a trace, and a little.
        for blocks in (0, 1, 64, 512):
            with self.subTest(blocks):
                self.limited(f"-f {blocks}")

    def test_sandboxes(self):
        self.check("sandbox-prctl")
        self.check("sandbox-syscall")
        self.check("strict", status=7)

    @unittest.skipUnless(os.geteuid() == 0, "changes its user")
    def test_another_user(self):
        self.check("other-user")
        result = self.gordian(self.probe["surroundings"], "other-user")
        self.assertEqual((result.returncode, result.stderr), (0, b""))

    @unittest.skipUnless(os.geteuid() == 0, "changes its root")
    def test_another_root(self):
        self.check("other-root")

    @unittest.skipUnless(os.geteuid() == 0, "mounts")
    def test_without_proc(self):
        bare = finish(["unshare", "-m", "sh", "-c", f"mount -t tmpfs none /proc; exec {self.probe['surroundings']} plain"],
                      env=clean_environment())
        run = self.run_folder()
        shimmed = finish(["unshare", "-m", "sh", "-c", f"mount -t tmpfs none /proc; LD_PRELOAD={SHIM} "
                          f"GORDIAN_OPTIONS=run={run} exec {self.probe['surroundings']} plain"], env=clean_environment())
        self.assertEqual((bare.returncode, bare.stdout, bare.stderr),
                         (shimmed.returncode, shimmed.stdout, shimmed.stderr))
        self.assertEqual(rules(self.report(run)), [])

    @unittest.skipUnless(os.geteuid() == 0, "mounts")
    def test_a_full_tmpfs(self):
        # Room for the beginning of a trace and no more.
        for kilobytes in (4, 72, 200):
            with self.subTest(kilobytes):
                result = finish(["unshare", "-m", "sh", "-c", f"mount -t tmpfs -o size={kilobytes}k none /mnt && "
                                 f"LD_PRELOAD={SHIM} GORDIAN_OPTIONS=run=/mnt {self.probe['surroundings']} plain"],
                                env=clean_environment())
                self.assertEqual((result.returncode, result.stdout, result.stderr), (0, b"child: exit 3\n", b""))


if __name__ == "__main__":
    unittest.main()
