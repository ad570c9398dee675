"""Signals reach the program as they would without gordian: all of them, and none twice."""
import os
import pathlib
import pty
import re
import select
import signal
import subprocess
import time
import unittest

from gordian_case import GORDIAN, PATIENCE, GordianCase, OwnSleep, read_line

# Prints "ready", then every signal that it receives by number, and ends at SIGALRM with 7.
COUNTER = """
    #include <signal.h>
    #include <stdio.h>
    #include <string.h>
    #include <unistd.h>
    int main(int argc, char** argv) {
      if (argc > 1 && !strcmp(argv[1], "own-group")) setpgid(0, 0);
      sigset_t all;
      sigfillset(&all);
      sigprocmask(SIG_BLOCK, &all, NULL);
      printf("ready %d %d\\n", getpid(), getppid());
      fflush(stdout);
      for (;;) {
        int number = sigwaitinfo(&all, NULL);
        if (number < 0) continue;  // a stop interrupts it
        printf("got %d\\n", number);
        fflush(stdout);
        if (number == SIGALRM) return 7;
      }
    }
"""


def parent(pid):
    return int(re.search(r"PPid:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text())[1])


def let_it_decide(gordian):
    """Waits for longer than gordian takes to see whether a signal was for it alone."""
    sleep = OwnSleep(gordian)
    while sleep.seconds() < 0.3:
        time.sleep(0.01)


class SignalsTest(GordianCase):
    def start_counter(self, *arguments, **options):
        """Starts the counter under gordian in a process group of its own; returns gordian and the counter's pid."""
        program = self.compile("counter.c", COUNTER)
        process = self.start("run", "-q", "--grace-ms", 200, "--", program, *arguments, **{"process_group": 0} | options)
        self.addCleanup(self.kill_group, process.pid)
        match = re.fullmatch(r"ready (\d+) (\d+)\n", read_line(process.stdout))
        self.assertTrue(match)
        self.assertEqual(int(match[2]), process.pid)
        return process, int(match[1])

    def kill_group(self, pgid):
        try:
            os.killpg(pgid, signal.SIGKILL)
        except ProcessLookupError:
            pass

    def received(self, process, pid):
        """Ends the counter and returns everything that it got before."""
        # What was sent before is decided before: the forwarder takes signals in turn.
        os.kill(process.pid, signal.SIGALRM)
        out, _ = process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, 7)
        numbers = [int(number) for number in re.findall(r"got (\d+)", out)]
        self.assertEqual(numbers.pop(), signal.SIGALRM)
        return numbers

    def test_a_signal_to_gordian_alone_is_forwarded(self):
        process, pid = self.start_counter()
        os.kill(process.pid, signal.SIGUSR1)
        self.assertEqual(read_line(process.stdout), f"got {int(signal.SIGUSR1)}\n")
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
            os.kill(process.pid, number)
            self.assertEqual(read_line(process.stdout), f"got {int(number)}\n")
        self.assertEqual(self.received(process, pid), [])

    def test_a_signal_to_the_group_arrives_once(self):
        process, pid = self.start_counter()
        for number in (signal.SIGUSR1, signal.SIGTERM, signal.SIGINT):
            os.killpg(process.pid, number)
        self.assertCountEqual(self.received(process, pid), [signal.SIGUSR1, signal.SIGTERM, signal.SIGINT])

    def test_after_a_group_signal_one_to_gordian_alone_still_counts(self):
        process, pid = self.start_counter()
        os.killpg(process.pid, signal.SIGUSR1)
        self.assertEqual(read_line(process.stdout), f"got {int(signal.SIGUSR1)}\n")
        let_it_decide(process.pid)
        os.kill(process.pid, signal.SIGUSR1)
        self.assertEqual(read_line(process.stdout), f"got {int(signal.SIGUSR1)}\n")
        self.assertEqual(self.received(process, pid), [])

    def test_a_program_in_its_own_group_gets_what_gordian_gets(self):
        process, pid = self.start_counter("own-group")
        os.killpg(process.pid, signal.SIGUSR2)
        self.assertEqual(read_line(process.stdout), f"got {int(signal.SIGUSR2)}\n")
        self.assertEqual(self.received(process, pid), [])

    def test_under_timeout_nothing_arrives_twice(self):
        process, pid = self.start_under_timeout("-s", "USR1")
        self.assertEqual(read_line(process.stdout), f"got {int(signal.SIGUSR1)}\n")
        # What was sent twice would be there before what gordian gets now.
        os.kill(parent(pid), signal.SIGALRM)
        out, _ = process.communicate(timeout=PATIENCE)
        self.assertEqual(re.findall(r"got (\d+)", out), [str(int(signal.SIGCONT)), str(int(signal.SIGALRM))])

    def test_under_timeout_in_the_foreground_it_arrives(self):
        process, _ = self.start_under_timeout("--foreground", "-s", "ALRM")
        out, _ = process.communicate(timeout=PATIENCE)
        self.assertIn(f"got {int(signal.SIGALRM)}", out)

    def start_under_timeout(self, *options):
        """The counter under gordian under timeout(1), whose time is over as soon as the counter is ready; and its pid."""
        program = self.compile("counter.c", COUNTER)
        process = subprocess.Popen(["timeout", *options, str(10 * PATIENCE), GORDIAN, "run", "-q", "--", program],
                                   stdout=subprocess.PIPE, text=True, env=self.environment(), cwd=self.folder)
        self.addCleanup(self.end, process)
        pid = int(re.fullmatch(r"ready (\d+) \d+\n", read_line(process.stdout))[1])
        os.kill(process.pid, signal.SIGALRM)  # how its timer tells it
        return process, pid

    def test_a_queued_value_is_kept(self):
        program = self.compile("value.c", """
            #include <signal.h>
            #include <stdio.h>
            int main(void) {
              sigset_t set;
              sigemptyset(&set);
              sigaddset(&set, SIGRTMIN + 3);
              sigprocmask(SIG_BLOCK, &set, NULL);
              puts("ready");
              fflush(stdout);
              siginfo_t info;
              sigwaitinfo(&set, &info);
              printf("value %d\\n", info.si_value.sival_int);
              return 0;
            }
        """)
        process = self.start("run", "-q", "--", program)
        self.assertEqual(read_line(process.stdout), "ready\n")
        subprocess.run(["/bin/kill", "-q", "4711", "-s", "RTMIN+3", str(process.pid)], check=True)
        out, _ = process.communicate(timeout=PATIENCE)
        self.assertEqual(out, "value 4711\n")

    def test_the_programs_death_by_signal_is_gordians(self):
        for number in (signal.SIGTERM, signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT):
            result = self.gordian("run", "-q", "--", "sh", "-c", f"kill -{int(number)} $$")
            self.assertEqual(result.returncode, -number)
        self.assertEqual(list(self.folder.glob("core*")), [])

    def test_dispositions_and_mask_are_the_programs_own(self):
        program = self.compile("state.c", """
            #include <stdio.h>
            #include <string.h>
            int main(void) {
              char line[256];
              FILE* status = fopen("/proc/self/status", "r");
              while (fgets(line, sizeof line, status))
                if (!strncmp(line, "Sig", 3) && strncmp(line, "SigQ", 4)) fputs(line, stdout);
              return 0;
            }
        """)

        def prepare():
            signal.signal(signal.SIGCHLD, signal.SIG_IGN)
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1, signal.SIGWINCH})

        alone = subprocess.run([program], capture_output=True, text=True, preexec_fn=prepare)
        under = self.gordian("run", "-q", "--", program, preexec_fn=prepare)
        self.assertEqual(under.returncode, 0, under.stderr)
        self.assertIn("SigBlk:\t0000000008000200", alone.stdout)
        self.assertEqual(under.stdout, alone.stdout)

    def test_gordian_killed_the_program_goes_on(self):
        process, pid = self.start_counter()
        process.kill()
        process.wait()
        os.kill(pid, signal.SIGUSR1)
        self.assertEqual(read_line(process.stdout), f"got {int(signal.SIGUSR1)}\n")
        os.kill(pid, signal.SIGALRM)
        self.assertEqual(read_line(process.stdout), f"got {int(signal.SIGALRM)}\n")

    def wait_for_state(self, pid, state):
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            with open(f"/proc/{pid}/stat") as stat:
                now = stat.read().rpartition(")")[2].split()[0]
            if now == state:
                return
            time.sleep(0.01)
        self.fail(f"{pid} never reached state {state}")

    def test_stops_with_the_program_and_continues_it(self):
        process, pid = self.start_counter()
        os.kill(pid, signal.SIGSTOP)
        self.wait_for_state(process.pid, "T")
        # `fg` and `kill -CONT` of the shell send to the group or to the leader: both must do.
        os.kill(process.pid, signal.SIGCONT)
        self.assertEqual(read_line(process.stdout), f"got {int(signal.SIGCONT)}\n")
        os.kill(pid, signal.SIGSTOP)
        self.wait_for_state(process.pid, "T")
        os.killpg(process.pid, signal.SIGCONT)
        self.assertEqual(read_line(process.stdout), f"got {int(signal.SIGCONT)}\n")
        self.assertEqual(self.received(process, pid), [])


class Terminal:
    """An interactive shell on a terminal of its own."""

    def __init__(self, test):
        self.text = ""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(test.folder)
            os.execve("/bin/bash", ["bash", "--norc", "--noprofile", "-i"],
                      test.environment(PS1="", HISTFILE="/dev/null", TERM="dumb"))
        test.addCleanup(self.close)

    def close(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.fd)

    def send(self, text):
        os.write(self.fd, text.encode())

    def expect(self, pattern):
        """Waits until the output matches, and forgets what came up to the end of the match."""
        deadline = time.monotonic() + PATIENCE
        while not (match := re.search(pattern, self.text)):
            ready, _, _ = select.select([self.fd], [], [], max(0, deadline - time.monotonic()))
            if not ready:
                raise AssertionError(f"{pattern!r} did not come; there is {self.text!r}")
            self.text += os.read(self.fd, 4096).decode(errors="replace")
        self.text = self.text[match.end():]
        return match


class JobControlTest(GordianCase):
    def test_stop_and_continue_at_a_terminal(self):
        shell = Terminal(self)
        shell.send(f"{GORDIAN} run -q -- sh -c 'echo star''ted; read line; echo \"line: $line\"; exit 3'\n")
        shell.expect(r"started")
        shell.send("\x1a")  # ^Z
        shell.expect(r"Stopped")
        shell.send("echo prompt-$((40 + 2))\n")
        shell.expect(r"prompt-42")
        shell.send("fg\n")
        shell.expect(r"gordian run")
        shell.send("hello\n")
        shell.expect(r"line: hello")
        shell.send("echo code-$?\n")
        shell.expect(r"code-3")

    def test_interrupt_at_a_terminal_arrives_once(self):
        program = self.compile("counter.c", COUNTER)
        shell = Terminal(self)
        shell.send(f"{GORDIAN} run -q -- {program}\n")
        pid = int(shell.expect(r"ready (\d+) \d+")[1])
        shell.send("\x03")  # ^C
        shell.expect(r"got 2\b")
        let_it_decide(parent(pid))
        os.kill(pid, signal.SIGALRM)
        shell.expect(r"got 14\b")
        self.assertNotIn("got 2", shell.text)
        shell.send("echo code-$?\n")
        shell.expect(r"code-7")


if __name__ == "__main__":
    unittest.main()
