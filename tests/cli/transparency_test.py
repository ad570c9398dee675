"""What the program sees is what it would see without gordian."""
import json
import os
import pathlib
import signal
import subprocess
import unittest

from gordian_case import GORDIAN, PATIENCE, SHIM, GordianCase, rules


REFUSES_PRELOADS = "address" in os.environ.get("GORDIAN_SANITIZE", "")
WHY = "a gordian with AddressSanitizer does not start behind a preload itself"


class TransparencyTest(GordianCase):
    @unittest.skipIf(REFUSES_PRELOADS, WHY)
    def test_the_environment_but_for_two_variables(self):
        for more in ({}, {"LD_PRELOAD": "libm.so.6", "GORDIAN_OPTIONS": "identity=memory"}):
            environment = self.environment(WITH_BLANK="a b", EMPTY="", **more)
            alone = subprocess.run(["cat", "/proc/self/environ"], capture_output=True, text=True, env=environment)
            under = self.gordian("run", "-q", "--", "cat", "/proc/self/environ", env=environment)
            changed = ("LD_PRELOAD=", "GORDIAN_OPTIONS=")
            before = [entry for entry in alone.stdout.split("\0") if not entry.startswith(changed)]
            after = [entry for entry in under.stdout.split("\0") if not entry.startswith(changed)]
            self.assertEqual(before, after)
            values = dict(entry.split("=", 1) for entry in under.stdout.split("\0") if entry.startswith(changed))
            self.assertEqual(values["LD_PRELOAD"].split(":"), [SHIM] + list(filter(None, [more.get("LD_PRELOAD")])))
            self.assertTrue(values["GORDIAN_OPTIONS"].startswith("run=/"))
            if more:
                self.assertTrue(values["GORDIAN_OPTIONS"].endswith(":identity=memory"))

    @unittest.skipIf(REFUSES_PRELOADS, WHY)
    def test_a_gordian_below_another_puts_its_own_first(self):
        result = self.gordian("run", "-q", "--", GORDIAN, "run", "-q", "--", "env")
        self.assertEqual(result.returncode, 0, result.stderr)
        values = dict(line.split("=", 1) for line in result.stdout.splitlines() if "=" in line)
        self.assertEqual(values["LD_PRELOAD"], SHIM)
        self.assertEqual(values["GORDIAN_OPTIONS"].count("run="), 1)

    def test_stdin_stdout_and_stderr_are_its_own(self):
        result = self.gordian("run", "-q", "--text", "report.txt", "--", "sh", "-c", "cat; echo err >&2", input="in\nput\n")
        self.assertEqual(result.stdout, "in\nput\n")
        self.assertEqual(result.stderr, "err\n")

    def test_closed_standard_descriptors_stay_closed_and_become_no_file_of_ours(self):
        program = self.compile("closed.c", """
            #include <fcntl.h>
            int main(void) { return fcntl(0, F_GETFD) != -1 || fcntl(1, F_GETFD) != -1 || fcntl(2, F_GETFD) != -1; }
        """)
        for command, code, rule in ((program, 0, None), (self.sample("deadlock"), 66, "deadlock")):
            result = subprocess.run(
                ["sh", "-c", f"{GORDIAN} run --on-deadlock=kill-tree --json report.json -- {command} 0<&- 1>&- 2>&-"],
                timeout=PATIENCE, env=self.environment(), cwd=self.folder)
            self.assertEqual(result.returncode, code)
            report = json.loads((self.folder / "report.json").read_text())
            self.assertEqual(rules(report), [rule] if rule else [])

    def test_descriptors_are_its_own_and_no_more(self):
        extra = os.open("/dev/null", os.O_RDONLY)
        self.addCleanup(os.close, extra)
        show = ["ls", "/proc/self/fd"]
        alone = subprocess.run(show, capture_output=True, text=True, pass_fds=[extra])
        under = self.gordian("run", "-q", "--", *show, pass_fds=[extra])
        self.assertEqual(alone.stdout, under.stdout)

    def test_gordian_keeps_no_pipe_of_the_program_open(self):
        read, write = os.pipe()
        process = self.start("run", "-q", "--", "sh", "-c", f"exec 1>&- {write}>&-; read line; exit 3",
                             stdin=subprocess.PIPE, pass_fds=[write])
        os.close(write)
        with os.fdopen(read) as pipe:
            self.assertEqual(pipe.read(), "")  # would wait for whoever still holds the other end
        self.assertEqual(process.stdout.read(), "")
        self.assertIsNone(process.poll())
        process.communicate("go on\n", timeout=PATIENCE)
        self.assertEqual(process.returncode, 3)

    def test_closed_standard_descriptors_stay_closed(self):
        script = f"exec {GORDIAN} run -q --text report.txt --json report.json -- ls /proc/self/fd 0<&- 2>&-"
        result = subprocess.run(["sh", "-c", script], capture_output=True, text=True, cwd=self.folder,
                                env=self.environment(), timeout=PATIENCE)
        alone = subprocess.run(["sh", "-c", "exec ls /proc/self/fd 0<&- 2>&-"], capture_output=True, text=True)
        self.assertEqual(result.stdout, alone.stdout)
        self.assertTrue((self.folder / "report.json").read_text().startswith("{"))

    def test_group_session_and_folder_are_its_own(self):
        show = ["sh", "-c", "cut -d' ' -f5,6 /proc/$$/stat; pwd; ulimit -a"]
        process = self.start("run", "-q", "--", *show, process_group=0)
        out, _ = process.communicate(timeout=PATIENCE)
        group, session = out.split()[:2]
        self.assertEqual(int(group), process.pid)
        self.assertEqual(int(session), os.getsid(0))
        alone = subprocess.run(show, capture_output=True, text=True, cwd=self.folder)
        self.assertEqual(alone.stdout.splitlines()[1:], out.splitlines()[1:])

    def test_the_folder_of_the_run_is_private(self):
        process = self.start("run", "-q", "--", "sh", "-c", "echo \"$GORDIAN_OPTIONS\"; read line", stdin=subprocess.PIPE)
        options = dict(entry.split("=", 1) for entry in process.stdout.readline().strip().split(":"))
        run = pathlib.Path(options["run"])
        self.assertEqual(run.stat().st_mode & 0o7777, 0o700)
        self.assertEqual(run.parent.stat().st_mode & 0o7777, 0o700)
        self.assertEqual(pathlib.Path(options["drop"]).stat().st_mode & 0o7777, 0o1733)
        self.assertRegex(options["drop"], r"\A/dev/shm/gordian-drop-[0-9a-f]{32}\Z")
        process.communicate("\n", timeout=PATIENCE)
        self.assertFalse(run.exists())
        self.assertFalse(pathlib.Path(options["drop"]).exists())

    def test_the_folder_of_a_killed_gordian_is_removed_by_a_later_one(self):
        process = self.start("run", "-q", "--", "sh", "-c", "echo \"$GORDIAN_OPTIONS\"; read line", stdin=subprocess.PIPE)
        options = dict(entry.split("=", 1) for entry in process.stdout.readline().strip().split(":"))
        run, drop = pathlib.Path(options["run"]), pathlib.Path(options["drop"])
        process.send_signal(signal.SIGKILL)
        process.wait()
        self.assertTrue(run.exists())
        old = run.stat().st_mtime - 60
        os.utime(run, (old, old))
        self.gordian("run", "-q", "--", "true")
        self.assertFalse(run.exists())
        self.assertFalse(drop.exists())

    def test_a_live_run_is_not_taken_for_a_stale_one(self):
        process = self.start("run", "-q", "--", "sh", "-c", "echo \"$GORDIAN_OPTIONS\"; read line", stdin=subprocess.PIPE)
        options = dict(entry.split("=", 1) for entry in process.stdout.readline().strip().split(":"))
        run = pathlib.Path(options["run"])
        os.utime(run, (0, 0))
        self.gordian("run", "-q", "--", "true")
        self.assertTrue(run.exists())
        process.communicate("\n", timeout=PATIENCE)


if __name__ == "__main__":
    unittest.main()
