"""`gordian ps` and `gordian doctor`: the process table, and what will be seen of a program."""
import json
import os
import pathlib
import subprocess
import unittest

from cli.attach_case import AttachCase, children, state, until


class PsTest(AttachCase):
    def zombies_of(self, pid):
        path = self.folder / "ps.json"
        result = self.gordian("ps", "--zombies", "--grace-ms", 100, "--json", path)
        report = json.loads(path.read_text())
        return result, [finding for finding in report["findings"]
                        if any(process["ppid"] == pid for process in finding["processes"])]

    def test_zombies_by_their_parent(self):
        program = self.compile("careless.c", r"""
            #include <unistd.h>
            int main(void) {
              for (int i = 0; i < 3; ++i) if (fork() == 0) _exit(0);
              for (;;) pause();
            }
            """)
        parent = self.run_alone(program)
        until(lambda: [state(child) for child in children(parent.pid)] == ["Z"] * 3)
        result, [finding] = self.zombies_of(parent.pid)
        self.assertEqual(result.returncode, 66)
        self.assertEqual((finding["rule"], finding["count"]), ("child-zombie", 3))
        self.assertIn(f"careless (pid {parent.pid}) has not waited for 3 children", finding["title"])
        self.assertIn("the main thread is in pause()", finding["explanation"])

    def test_a_parent_that_waits_has_none(self):
        program = self.compile("careful.c", r"""
            #include <sys/wait.h>
            #include <unistd.h>
            int main(void) {
              for (;;) if (fork() == 0) _exit(0); else wait(0);
            }
            """)
        parent = self.run_alone(program)
        self.assertEqual(self.zombies_of(parent.pid)[1], [])

    def test_a_command_is_a_mistake(self):
        self.assertEqual(self.gordian("ps", "--", "true").returncode, 2)


class DoctorTest(AttachCase):
    def test_of_a_program_without_and_with_debug_information(self):
        result = self.gordian("doctor", "--", "true")
        self.assertEqual(result.returncode, 0)
        self.assertIn("can be recorded", result.stdout)
        self.assertIn("has no debug information", result.stdout)
        program = self.compile("own.c", "int main(void) { return 0; }")
        self.assertNotIn("has no debug information", self.gordian("doctor", "--", program).stdout)

    def test_of_a_static_program(self):
        program = self.compile("static.c", "int main(void) { return 0; }", "-static")
        self.assertIn("cannot be recorded: it is statically linked", self.gordian("doctor", "--", program).stdout)

    def test_of_a_running_process(self):
        process = self.run_alone("sleep", "1000")
        clock_nanosleep = "230"
        until(lambda: pathlib.Path(f"/proc/{process.pid}/syscall").read_text().split()[0] == clock_nanosleep)
        result = self.gordian("doctor", "-p", process.pid)
        self.assertEqual(result.returncode, 0)
        self.assertIn("whose locks can be read", result.stdout)

    def test_of_what_is_not_there(self):
        gone = subprocess.Popen(["true"])
        gone.wait()
        self.assertEqual(self.gordian("doctor", "-p", gone.pid).returncode, 3)
        self.assertEqual(self.gordian("doctor", "--", "no-such-program").returncode, 3)
        self.assertEqual(self.gordian("doctor", "-p", 1, "--", "true").returncode, 2)


if __name__ == "__main__":
    unittest.main()
