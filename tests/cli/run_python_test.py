"""`gordian run` on Python programs that end by themselves: where locks are taken and made, and where children come from, in
Python's own lines, with every interpreter that is found here."""
import json
import os
import signal
import unittest

from cli.gordian_case import GordianCase, rules
from cli.pythons import interpreters

OPPOSITE_ORDERS = """
import os, threading

class Account:
    def __init__(self):
        self.lock = threading.Lock()  # made

one, other = Account(), Account()

def forth():
    with one.lock:  # forth has
        other.lock.acquire()  # forth wants
        other.lock.release()
    open(flag, "w").close()

def back():
    while not os.path.exists(flag):
        pass
    with other.lock:  # back has
        with one.lock:  # back wants
            pass

flag = os.path.join(os.getcwd(), "flag")
threads = [threading.Thread(target=part) for part in (forth, back)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""

# The same with a try in each of the ways that a call can be written.
TRIES = OPPOSITE_ORDERS.replace("other.lock.acquire()", "HOW")

# In opposite orders again, one after the other by luck: the second begins when the first is done, or has slept for 20 ms.
BY_LUCK = """
import threading, time

one, other = threading.Lock(), threading.Lock()
done = []

def forth():
    with one:
        with other:  # forth wants
            pass
    done.append(True)

def slept_ms():
    with open(f"/proc/self/task/{first.native_id}/schedstat") as file:
        ran, queued = map(int, file.read().split()[:2])
    return time.monotonic() * 1000 - (ran + queued) / 1000000

def back():
    try:
        began = slept_ms()
        while not done and slept_ms() - began < 20:
            time.sleep(0.001)
    except OSError:
        pass  # it has ended
    with other:
        with one:  # back wants
            pass

first, second = threading.Thread(target=forth), threading.Thread(target=back)
first.start()
second.start()
first.join()
second.join()
"""

# In opposite orders by two threads, the second of which begins when the first has ended.
ONE_BY_ONE = """
import threading

one, other = threading.Lock(), threading.Lock()

def take(first, second):
    with first:
        with second:
            pass

for order in ((one, other), (other, one)):
    thread = threading.Thread(target=take, args=order)
    thread.start()
    JOIN
"""

NOBODY_SETS = """
import asyncio

async def wait():
    await asyncio.Event().wait()

asyncio.run(wait())  # waits
"""

ORPHAN = """
import os, time
child = os.fork()  # forked
if child == 0:
    os.closerange(0, 3)
    time.sleep(60)
    os._exit(0)
print(child)
"""


def line_of(text, mark):
    return next(i for i, line in enumerate(text.splitlines(), 1) if line.endswith(f"# {mark}"))


def places(stack):
    return [(frame["function"], frame.get("line")) for frame in stack]


class RunPythonTest(GordianCase):
    def run_python(self, path, text, *options):
        program = self.folder / "program.py"
        program.write_text(text)
        (self.folder / "flag").unlink(missing_ok=True)
        return self.run_json(*options, "--", path, str(program), cwd=self.folder)

    def test_opposite_orders(self):
        seen = interpreters()
        self.assertTrue(seen, "no CPython was found")
        for version, path in seen:
            with self.subTest(version):
                result, report = self.run_python(path, OPPOSITE_ORDERS)
                self.assertEqual(rules(report), ["lock-order-cycle"], result.stderr)
                finding = report["findings"][0]
                self.assertEqual(finding["level"], "warning")
                held = {places(thread["holds"][0]["stack"])[0] for thread in finding["threads"]}
                wanted = {places(thread["waits"]["stack"])[0] for thread in finding["threads"]}
                self.assertEqual(held, {("forth", line_of(OPPOSITE_ORDERS, "forth has")),
                                        ("back", line_of(OPPOSITE_ORDERS, "back has"))})
                self.assertEqual(wanted, {("forth", line_of(OPPOSITE_ORDERS, "forth wants")),
                                          ("back", line_of(OPPOSITE_ORDERS, "back wants"))})
                for lock in finding["locks"]:
                    self.assertEqual(lock["name"].split(":")[0], "lock created at program.py")

    def test_a_try_orders_nothing(self):
        for version, path in interpreters():
            for how in ("other.lock.acquire(False)", "other.lock.acquire(blocking=False)",
                        "other.lock.acquire(timeout=5)", "other.lock.acquire(*(), **{'blocking': False})"):
                with self.subTest(version, how=how):
                    result, report = self.run_python(path, TRIES.replace("HOW", how))
                    self.assertEqual(rules(report), [], result.stderr)

    def test_a_join_puts_one_thread_before_the_other(self):
        for version, path in interpreters():
            # From 3.13 on is_alive() makes no call.
            polls = ["while thread.is_alive(): pass"] if int(version.split(".")[1]) < 13 else []
            for join in ["thread.join()", "thread.join(60)", *polls]:
                with self.subTest(version, join=join):
                    result, report = self.run_python(path, ONE_BY_ONE.replace("JOIN", join))
                    self.assertEqual(rules(report), [], result.stderr)

    def test_an_extension_of_the_standard_library_is_no_place(self):
        for version, path in interpreters():
            with self.subTest(version):
                result, report = self.run_python(path, NOBODY_SETS, "--on-deadlock=kill")
                self.assertEqual(rules(report), ["deadlock"], result.stderr)
                self.assertEqual(report["findings"][0]["primary"].get("line"), line_of(NOBODY_SETS, "waits"))

    def test_a_cycle_is_confirmed_and_avoided(self):
        """Without the try failing first, a thread would be held back with the interpreter's own lock, and none would come."""
        program = self.folder / "program.py"
        program.write_text(BY_LUCK)
        for version, path in interpreters():
            with self.subTest(version):
                self.gordian("run", "-q", "--out", version, "--", path, program)
                result = self.gordian("confirm", version, "--json", "confirmed", "-o", "cycles", "--", path, program)
                self.assertEqual(result.returncode, 66, result.stdout)
                self.assertIn("1 of 1 possible deadlock confirmed", result.stdout + result.stderr)
                finding = json.loads((self.folder / "confirmed").read_text())["findings"][0]
                self.assertEqual({places(thread["waits"]["stack"])[0] for thread in finding["threads"]},
                                 {(name, line_of(BY_LUCK, f"{name} wants")) for name in ("forth", "back")})
                result = self.gordian("run", "-q", "--avoid", "cycles", "--", path, program)
                self.assertEqual(result.returncode, 0, result.stderr)

    def test_a_child_has_the_line_that_forked_it(self):
        for version, path in interpreters():
            with self.subTest(version):
                result, report = self.run_python(path, ORPHAN, "--grace-ms", "0")
                os.kill(int(result.stdout), signal.SIGKILL)
                self.assertEqual(rules(report), ["child-orphan"], result.stderr)
                self.assertIn(f'"line": {line_of(ORPHAN, "forked")},', json.dumps(report["findings"][0]))
                self.assertIn('"function": "<module>"', json.dumps(report["findings"][0]))


if __name__ == "__main__":
    unittest.main()
