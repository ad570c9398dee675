"""A lock taken through wrappers: each report must show the caller that took it, not another one's.

Compiled without optimisation, std::lock_guard is three calls deep: the same return address at the same stack depth in
every thread. The program of the test has two callers of that kind, each of which must appear in its own thread's stacks
and in no other's.
"""
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

BUILD = pathlib.Path(os.environ["GORDIAN_BUILD"])

PROGRAM = r"""
#include <atomic>
#include <mutex>
#include <thread>
std::mutex a_mutex, b_mutex;
std::atomic<bool> lucky{false};  // or it would deadlock now and then
void Forward() { std::lock_guard<std::mutex> a(a_mutex); std::lock_guard<std::mutex> b(b_mutex); }
void Reverse() { std::lock_guard<std::mutex> b(b_mutex); std::lock_guard<std::mutex> a(a_mutex); }
int main() {
  std::thread one([] { Forward(); lucky = true; });
  std::thread two([] { while (!lucky) { std::this_thread::yield(); } Reverse(); });
  one.join();
  two.join();
}
"""


class CallerStacks(unittest.TestCase):
    def test_each_thread_shows_its_own_caller(self):
        with tempfile.TemporaryDirectory() as folder:
            source = pathlib.Path(folder) / "callers.cc"
            source.write_text(PROGRAM)
            program = source.with_suffix("")
            subprocess.run([os.environ.get("CXX", "c++"), "-g", "-O0", "-o", program, source, "-pthread"], check=True)
            out = pathlib.Path(folder) / "report.json"
            done = subprocess.run([BUILD / "bin" / "gordian", "run", "-q", "--json", out, "--", program],
                                  stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
            self.assertEqual(done.returncode, 66, done.stderr)
            findings = json.loads(out.read_text())["findings"]
        self.assertEqual([finding["rule"] for finding in findings], ["lock-order-cycle"])
        callers = set()
        for thread in findings[0]["threads"]:
            stacks = [thread["holds"][0]["stack"], thread["waits"]["stack"]]
            mine = {frame.get("function") for stack in stacks for frame in stack} & {"Forward", "Reverse"}
            self.assertEqual(len(mine), 1, stacks)
            callers |= mine
        self.assertEqual(callers, {"Forward", "Reverse"})


if __name__ == "__main__":
    unittest.main()
