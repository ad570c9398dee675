"""`gordian attach` and `gordian core` on Python programs that nobody prepared: Python lines, names and owners of locks,
with every interpreter that is found here."""
import glob
import os
import pathlib
import shutil
import subprocess
import unittest

from cli.attach_case import FUTEX, AttachCase, lines, look, tasks, until
from cli.gordian_case import rules
from cli.pythons import interpreters

OPPOSITE_ORDERS = """
import threading

class Account:
    def __init__(self):
        self._lock = threading.Lock()

checking, savings = Account(), Account()
both = threading.Barrier(2)

def transfer(source, target):
    with source._lock:
        both.wait()
        with target._lock:  # blocks
            pass

pay = threading.Thread(target=transfer, args=(checking, savings), name="pay")
refund = threading.Thread(target=transfer, args=(savings, checking), name="refund")
pay.start()
refund.start()
pay.join()
"""

CONDITION_AND_LOCK = """
import threading
ready, table = threading.Condition(), threading.Lock()
both = threading.Barrier(2)

def consume():
    with ready:
        both.wait()
        with table:
            pass

def fill():
    with table:
        both.wait()
        with ready:
            pass

consumer = threading.Thread(target=consume, name="consumer")
consumer.start()
fill()
"""

NESTED = """
import threading
outer, inner, last = threading.Lock(), threading.Lock(), threading.Lock()

def work():
    with outer:
        with inner:
            pass
        try:
            with last:
                with outer:
                    pass
        finally:
            pass

threading.Thread(target=work, name="only").start()
"""

# All threads wait, each for what the other would have to give; nobody holds a lock.
WAITS_FOR_AN_EVENT = """
import threading
ready, table = threading.Condition(), threading.Lock()

def consume():
    with table:
        with ready:
            ready.wait()

threading.Thread(target=consume, name="consumer").start()
"""


# Two functions of the standard library that wait, and one that joins.
LIBRARY_WAITS = """
import queue
import threading
jobs, ready = queue.Queue(), threading.Event()

worker = threading.Thread(target=jobs.get, name="worker")
worker.start()
threading.Thread(target=ready.wait, name="starter").start()
worker.join()
"""


class PythonCase(AttachCase):
    def hang(self, python, text, threads):
        program = self.folder / "hang.py"
        program.write_text(text)
        process = self.run_alone(python, program)
        until(lambda: [look(process.pid, tid) for tid in tasks(process.pid)] == [("S", FUTEX)] * threads)
        return process

    def on_each(self, text, threads):
        """(result, report) of attaching to the program, with each interpreter."""
        self.assertTrue(interpreters())
        for version, python in interpreters():
            print("Python", version)
            process = self.hang(python, text, threads)
            yield self.attach(process.pid)
            self.end_group(process)

    def line(self, text, what):
        return next(number for number, line in enumerate(text.splitlines(), 1) if what in line)


class AttachTest(PythonCase):
    def test_opposite_orders(self):
        for result, report in self.on_each(OPPOSITE_ORDERS, 3):
            self.assertEqual((result.returncode, rules(report)), (66, ["deadlock"]), result.stdout)
            [finding] = report["findings"]
            self.assertEqual({lock["name"] for lock in finding["locks"]}, {"checking._lock", "savings._lock"})
            self.assertLessEqual({"pay", "refund"}, {thread["name"].split()[0] for thread in finding["threads"]})
            holders = [thread for thread in finding["threads"] if thread.get("holds")]
            self.assertEqual(len(holders), 2)
            for thread in holders:
                [held] = thread["holds"]
                self.assertEqual(lines(held["stack"], "hang.py"),
                                 [self.line(OPPOSITE_ORDERS, "with source._lock")])
                self.assertEqual(lines(thread["waits"]["stack"], "hang.py"),
                                 [self.line(OPPOSITE_ORDERS, "# blocks")])
                self.assertEqual({frame["language"] for frame in held["stack"]}, {"python"})
            self.assertRegex(" ".join(finding["behind"]), "main .*(pay|refund)")

    def test_a_condition_is_held_by_its_lock(self):
        for result, report in self.on_each(CONDITION_AND_LOCK, 2):
            self.assertEqual((result.returncode, rules(report)), (66, ["deadlock"]), result.stdout)
            [finding] = report["findings"]
            names = {lock["name"] for lock in finding["locks"]}
            self.assertEqual(names, {"ready._lock", "table"})

    def test_who_waits_for_a_condition_holds_it_no_more(self):
        for result, report in self.on_each(WAITS_FOR_AN_EVENT, 2):
            held = [lock["name"] for finding in report["findings"] for lock in finding["locks"]
                    if any(holding["lock"] == lock["id"] for thread in finding["threads"]
                           for holding in thread.get("holds", []))]
            self.assertNotIn("ready._lock", held, result.stdout)

    def test_waits_of_the_standard_library_have_its_words(self):
        for result, report in self.on_each(LIBRARY_WAITS, 3):
            self.assertEqual((result.returncode, rules(report)), (66, ["deadlock"]), result.stdout)
            names = {lock["name"] for lock in report["findings"][0]["locks"]}
            self.assertEqual(names, {"an item of Queue jobs", "Event ready"})

    def test_each_of_nested_blocks_has_its_line(self):
        for result, report in self.on_each(NESTED, 2):
            self.assertEqual((result.returncode, rules(report)), (66, ["self-deadlock"]), result.stdout)
            [finding] = report["findings"]
            [thread] = [thread for thread in finding["threads"] if thread.get("holds")]
            self.assertEqual(thread["name"].split()[0], "only")
            of = {lock["id"]: lock["name"] for lock in finding["locks"]}
            held = {of[holding["lock"]]: lines(holding["stack"], "hang.py")[0] for holding in thread["holds"]
                    if holding["lock"] in of}
            self.assertEqual(held["outer"], self.line(NESTED, "with outer"))
            self.assertEqual(held.get("last", self.line(NESTED, "with last")), self.line(NESTED, "with last"))

    def test_an_interpreter_of_another_version_says_so(self):
        other = [path for path in glob.glob(os.path.expanduser("~/.pyenv/versions/3.[67].*/bin/python3"))]
        if not other:
            self.skipTest("no Python 3.6 or 3.7 here")
        process = self.hang(other[0], OPPOSITE_ORDERS, 3)
        _, report = self.attach(process.pid)
        self.assertRegex(" ".join(report["coverage"]["unseen"]), "Python.*not read")


class RunTest(PythonCase):
    def test_who_took_a_lock_without_with(self):
        """Its acquire() is the interpreter's sem_wait, which the trace has."""
        text = OPPOSITE_ORDERS.replace("with source._lock:", "if source._lock.acquire():")
        program = self.folder / "hang.py"
        program.write_text(text.replace("with target._lock:", "if target._lock.acquire():"))
        result, report = self.run_json("--on-deadlock=kill", "--", "/usr/bin/python3", program)
        self.assertEqual((result.returncode, rules(report)), (66, ["deadlock"]), result.stdout)
        held = {lock["name"] for lock in report["findings"][0]["locks"]}
        self.assertEqual(held, {"checking._lock", "savings._lock"})
        self.assertEqual(len([thread for thread in report["findings"][0]["threads"] if thread.get("holds")]), 2)

    def test_a_hang_under_gordian_run_has_python_lines(self):
        for version, python in interpreters():
            print("Python", version)
            program = self.folder / "hang.py"
            program.write_text(OPPOSITE_ORDERS)
            result, report = self.run_json("--on-deadlock=kill", "--", python, program)
            self.assertEqual((result.returncode, rules(report)), (66, ["deadlock"]), result.stdout)
            [finding] = report["findings"]
            self.assertEqual({lock["name"] for lock in finding["locks"]}, {"checking._lock", "savings._lock"})
            for thread in finding["threads"]:
                for held in thread.get("holds", []):
                    self.assertEqual(lines(held["stack"], "hang.py"),
                                     [self.line(OPPOSITE_ORDERS, "with source._lock")])


class CoreTest(PythonCase):
    def test_a_core_has_python_lines_too(self):
        if not shutil.which("gcore"):
            self.skipTest("no gcore here")
        process = self.hang("/usr/bin/python3", OPPOSITE_ORDERS, 3)
        core = self.folder / "core"
        subprocess.run(["gcore", "-o", core, str(process.pid)], check=True, capture_output=True)
        result = self.gordian("core", pathlib.Path(f"{core}.{process.pid}"))
        self.assertEqual(result.returncode, 66, result.stderr)
        self.assertIn("savings._lock", result.stdout)
        self.assertIn(f"hang.py:{self.line(OPPOSITE_ORDERS, '# blocks')}", result.stdout)


if __name__ == "__main__":
    unittest.main()
