"""Runs one test in a process of its own under `gordian run`, and says what Gordian found in it."""
import dataclasses
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import threading

LEVELS = ("note", "warning", "error")


def command():
    """The gordian command: $GORDIAN, that of the same installation or build, or the one in PATH."""
    if os.environ.get("GORDIAN"):
        return os.environ["GORDIAN"]
    root = pathlib.Path(__file__).resolve().parents[1]
    # PREFIX/share/gordian/python, or python/ of the sources.
    for path in (root.parents[2] / "bin/gordian", root.parent / "build/release/bin/gordian"):
        if os.access(path, os.X_OK):
            return str(path)
    return shutil.which("gordian") or "gordian"


@dataclasses.dataclass
class Verdict:
    """What became of one test."""

    lines: list  # what the test's own process wrote, each a JSON value
    findings: list  # as in docs/report.schema.json
    text: str  # the report for people
    exit_code: int

    def failures(self, fail_on, expected):
        """Sentences, why the test fails: findings from a level on, and expected rules that were not found."""
        unwanted = [finding for finding in self.findings
                    if finding["rule"] not in expected and finding["status"] == "new" and fail_on != "never"
                    and LEVELS.index(finding["level"]) >= LEVELS.index(fail_on)]
        found = {finding["rule"] for finding in self.findings}
        return ([f"{finding['rule']}: {finding['title']}" for finding in unwanted]
                + [f"{rule} was expected, and not found" for rule in expected if rule not in found])


def run(arguments, timeout=0, **options):
    """Runs `arguments` + [FILE] under gordian; the process writes lines to FILE. `timeout`: seconds, 0: none."""
    with tempfile.TemporaryDirectory(prefix="gordian-test-") as folder:
        lines, report, text = (pathlib.Path(folder) / name for name in ("lines", "report", "text"))
        lines.touch()
        limits = [] if not timeout else ["--dump-after", str(timeout), "--kill-after", str(timeout + 2)]
        # What a test leaves running is named by itself, and not waited for.
        result = subprocess.run(
            [command(), "run", "--on-deadlock=kill-tree", "--fail-on", "never", "--grace-ms", "0", "--json", str(report),
             "--text", str(text), "--color", "never", *limits, "--", *arguments, str(lines)],
            stdin=subprocess.DEVNULL, check=False, **options)
        findings = json.loads(report.read_text())["findings"] if report.exists() else []
        return Verdict([json.loads(line) for line in lines.read_text().splitlines()], findings,
                       text.read_text() if text.exists() else "", result.returncode)


def leftovers():
    """What a test has left behind in this process, each in words."""
    left = [f"thread {thread.name}" + (" (daemon)" if thread.daemon else "")
            for thread in threading.enumerate() if thread is not threading.main_thread()]
    try:
        children = pathlib.Path("/proc/thread-self/children").read_text().split()
    except OSError:
        children = []
    for pid in children:
        try:
            left.append(f"child {pid} ({pathlib.Path(f'/proc/{pid}/comm').read_text().strip()})")
        except OSError:
            pass  # it has just gone
    return left
