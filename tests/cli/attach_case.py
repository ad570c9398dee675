"""What the tests of `gordian attach` share: programs that run without gordian, and waiting until they stand still."""
import json
import os
import pathlib
import signal
import subprocess
import time

import jsonschema

from cli.gordian_case import PATIENCE, SOURCE, GordianCase

SCHEMA = json.loads((SOURCE / "docs" / "report.schema.json").read_text())
FUTEX = 202  # x86-64


def tasks(pid):
    return sorted(int(name) for name in os.listdir(f"/proc/{pid}/task"))


def state(pid, tid=None):
    """"S", "T", "Z" ...; "?" when it is gone."""
    try:
        return pathlib.Path(f"/proc/{pid}/task/{tid or pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "?"


def look(pid, tid):
    """State and system call of a thread, ("S", 202); (state, -1) when it is in none."""
    try:
        call = pathlib.Path(f"/proc/{pid}/task/{tid}/syscall").read_text().split()[0]
    except OSError:
        return "?", -1
    return state(pid, tid), int(call) if call.lstrip("-").isdigit() else -1


def queues(pid, tid):
    """Whether a thread waits for a contended lock of the C library: for its futex to be no longer 2, or, if it is
    a robust one, what its owner has in it with the mark of waiters."""
    try:
        words = pathlib.Path(f"/proc/{pid}/task/{tid}/syscall").read_text().split()
    except OSError:
        return False
    return words[0] == str(FUTEX) and (words[3] == "0x2" or int(words[3], 16) & 0x80000000 != 0)


def switches(pid):
    """How often each thread was switched: it stays the same while nobody disturbs them."""
    return {tid: [line for line in pathlib.Path(f"/proc/{pid}/task/{tid}/status").read_text().splitlines()
                  if "ctxt_switches" in line] for tid in tasks(pid)}


def children(pid):
    found = []
    for tid in tasks(pid):
        try:
            found += map(int, pathlib.Path(f"/proc/{pid}/task/{tid}/children").read_text().split())
        except OSError:
            pass  # the thread has ended meanwhile
    return found


def until(condition):
    """Waits for a state that comes by itself; fails after a time that only a mistake takes."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        result = condition()
        if result:
            return result
        time.sleep(0.005)
    raise AssertionError("it never came to that")


def check_report(test, report):
    problems = [error.message for error in jsonschema.Draft7Validator(SCHEMA).iter_errors(report)]
    test.assertEqual(problems, [])


class AttachCase(GordianCase):
    def run_alone(self, *command, **options):
        """Starts a program that nobody watches; it is killed, with its children, when the test ends."""
        options.setdefault("stdin", subprocess.DEVNULL)
        options.setdefault("stdout", subprocess.DEVNULL)
        options.setdefault("stderr", subprocess.DEVNULL)
        options.setdefault("env", self.environment())
        process = subprocess.Popen(list(map(str, command)), start_new_session=True, **options)
        self.addCleanup(self.end_group, process)
        return process

    def end_group(self, process):
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.end(process)

    def comes_to_rest(self, pid, calls, queued=0):
        """Until the process has exactly the threads that sleep in these calls, main thread first, and so many of them
        queue for a lock: others may only seem to sleep, on their way to it."""
        until(lambda: [look(pid, tid) for tid in tasks(pid)] == [("S", call) for call in calls]
              and sum(queues(pid, tid) for tid in tasks(pid)) == queued)

    def attach(self, *arguments, **options):
        """Runs `gordian attach --json`; returns the result and the report, None where there is none."""
        path = self.folder / "attach.json"
        path.unlink(missing_ok=True)
        result = self.gordian("attach", "--json", path, *arguments, **options)
        if not path.exists() or not path.stat().st_size:
            return result, None
        report = json.loads(path.read_text())
        check_report(self, report)
        return result, report


def verdicts(report, pid):
    """By thread, main thread first."""
    process = next(process for process in report["snapshot"] if process["pid"] == pid)
    return [thread["verdict"] for thread in sorted(process["threads"], key=lambda thread: thread["tid"])]


def functions(stack):
    return [frame.get("function", "?") for frame in stack]


def lines(stack, name):
    """The lines of a source file that a stack passes."""
    return [frame.get("line") for frame in stack if frame.get("file", "").endswith("/" + name)]
