"""The evidence of a finding names the true lines: where each thread was created, and the way to each lock."""
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

SOURCE = pathlib.Path(os.environ["GORDIAN_SOURCE"])
BUILD = pathlib.Path(os.environ["GORDIAN_BUILD"])


def finding_of(sample):
    with tempfile.TemporaryDirectory() as folder:
        report = pathlib.Path(folder) / "report.json"
        subprocess.run([str(BUILD / "bin" / "gordian"), "run", "--on-deadlock=kill-tree", "-q", "--json", str(report), "--",
                        str(BUILD / "samples" / sample)], timeout=60, check=False, stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        findings = json.loads(report.read_text())["findings"]
    assert len(findings) == 1, findings
    return findings[0]


def line_of(sample, text):
    lines = (SOURCE / "samples" / (sample + ".cc")).read_text().splitlines()
    numbers = [number for number, line in enumerate(lines, 1) if text in line]
    assert len(numbers) == 1, (text, numbers)
    return numbers[0]


def lines_in(frames, sample):
    """Line numbers in the sample's own file, innermost first."""
    return [frame["line"] for frame in frames if os.path.basename(frame.get("file", "")) == sample + ".cc"]


class EvidenceTest(unittest.TestCase):
    def test_a_cycle_names_both_ways_to_both_locks(self):
        finding = finding_of("abba")
        outer = line_of("abba", "from_lock(from.mutex)")
        inner = line_of("abba", "to_lock(to.mutex)")
        morning = line_of("abba", "Transfer(savings, checking")
        evening = line_of("abba", "Transfer(checking, savings")
        held = {tuple(lines_in(thread["holds"][0]["stack"], "abba")[:2]) for thread in finding["threads"]}
        wanted = {tuple(lines_in(thread["waits"]["stack"], "abba")[:2]) for thread in finding["threads"]}
        self.assertEqual(held, {(outer, morning), (outer, evening)})
        self.assertEqual(wanted, {(inner, morning), (inner, evening)})

    def test_each_lock_is_held_on_its_own_way(self):
        finding = finding_of("abba")
        names = {lock["id"]: lock["name"] for lock in finding["locks"]}
        ways = {names[thread["holds"][0]["lock"]]: lines_in(thread["holds"][0]["stack"], "abba")[1]
                for thread in finding["threads"]}
        self.assertEqual(ways, {"savings.mutex": line_of("abba", "Transfer(savings, checking"),
                                "checking.mutex": line_of("abba", "Transfer(checking, savings")})

    def test_threads_are_created_on_two_lines(self):
        finding = finding_of("abba")
        created = {lines_in(thread["created"], "abba")[0] for thread in finding["threads"]}
        # The call ends on the line of its closing bracket; a compiler may name either end.
        for start in ("std::thread morning", "std::thread evening"):
            first = line_of("abba", start)
            self.assertTrue(any(first <= line <= first + 3 for line in created), created)

    def test_a_deadlock_names_both_ways_to_both_locks(self):
        finding = finding_of("deadlock")
        held = {lines_in(thread["holds"][0]["stack"], "deadlock")[0]
                for thread in finding["threads"] if thread.get("holds")}  # main, stuck behind them, holds nothing
        lines = (SOURCE / "samples" / "deadlock.cc").read_text().splitlines()
        self.assertEqual(held, {number for number, line in enumerate(lines, 1)
                                if "orders(orders_mutex)" in line and lines[number].strip().startswith("both_hold")
                                or "stock(stock_mutex)" in line and lines[number].strip().startswith("both_hold")})


if __name__ == "__main__":
    unittest.main()
