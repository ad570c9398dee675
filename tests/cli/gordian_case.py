"""What the tests of the command share: where things are, how to run them, small C programs to run under it."""
import json
import os
import pathlib
import select
import shutil
import subprocess
import tempfile
import textwrap
import time
import unittest

import jsonschema

BUILD = pathlib.Path(os.environ["GORDIAN_BUILD"])
SOURCE = pathlib.Path(os.environ["GORDIAN_SOURCE"])
GORDIAN = str(BUILD / "bin" / "gordian")
SHIM = str(BUILD / "lib" / "libgordian_preload.so")
SAMPLES = BUILD / "samples"
# Far beyond what anything here takes; ends what hangs.
PATIENCE = 60

FREE = {"LUCK_PATIENCE_MS": "0"}  # samples/luck.h: nobody waits

# For programs in C and C++: the time that passes for a thread but for what it ran or waited for a processor, in ms.
OWN_TIME = r"""
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>
static long OwnMs(long tid) {
  char path[64], text[128] = "";
  long long ran = 0, queued = 0;
  struct timespec now;
  snprintf(path, sizeof(path), "/proc/self/task/%ld/schedstat", tid);
  int account = open(path, O_RDONLY);
  clock_gettime(CLOCK_MONOTONIC, &now);
  if (account >= 0 && read(account, text, sizeof(text) - 1) > 0) sscanf(text, "%lld %lld", &ran, &queued);
  if (account >= 0) close(account);
  return now.tv_sec * 1000 + (now.tv_nsec - ran - queued) / 1000000;
}
"""

# The second thread waits, without any call that can be seen and for as long as it takes, until the first is done.
ORDERED_BY_DATA = """
#include <atomic>
#include <mutex>
#include <thread>
std::mutex a, b;
std::atomic<bool> done{false};
int main() {
  std::thread first([] {
    { std::scoped_lock<std::mutex> outer(a); std::scoped_lock<std::mutex> inner(b); }
    done = true;
  });
  std::thread second([] {
    while (!done) std::this_thread::yield();
    std::scoped_lock<std::mutex> outer(b);
    std::scoped_lock<std::mutex> inner(a);
  });
  first.join();
  second.join();
}
"""


class GordianCase(unittest.TestCase):
    """A test with a folder of its own, which is also the working directory of what it starts."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="gordian-cli-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def environment(self, **more):
        """The environment without what an outer gordian may have put there."""
        environment = {key: value for key, value in os.environ.items() if key not in ("LD_PRELOAD", "GORDIAN_OPTIONS", "GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "GITHUB_WORKSPACE",
                                      "CI_PROJECT_DIR")}
        environment.update(more)
        return environment

    def start(self, *arguments, **options):
        """Starts `gordian ARGUMENTS` without waiting; it is killed when the test ends."""
        options.setdefault("cwd", self.folder)
        options.setdefault("env", self.environment())
        options.setdefault("stdin", subprocess.DEVNULL)
        options.setdefault("stdout", subprocess.PIPE)
        options.setdefault("stderr", subprocess.PIPE)
        options.setdefault("text", True)
        process = subprocess.Popen([GORDIAN, *map(str, arguments)], **options)
        self.addCleanup(self.end, process)
        return process

    def end(self, process):
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream:
                stream.close()

    def gordian(self, *arguments, **options):
        """Runs `gordian ARGUMENTS` to its end."""
        given = options.pop("input", None)
        if given is not None:
            options["stdin"] = subprocess.PIPE
        process = self.start(*arguments, **options)
        out, err = process.communicate(given, timeout=PATIENCE)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def run_json(self, *arguments, **options):
        """Runs `gordian run --json ... ARGUMENTS`; returns the result and the report."""
        path = self.folder / "report.json"
        result = self.gordian("run", "--json", path, *arguments, **options)
        self.assertTrue(path.exists() and path.stat().st_size, result.stderr)
        report = json.loads(path.read_text())
        self.validate(report)
        return result, report

    def validate(self, report):
        """Against the schema."""
        schema = json.loads((SOURCE / "docs" / "report.schema.json").read_text())
        problems = [error.message for error in jsonschema.Draft202012Validator(schema).iter_errors(report)]
        self.assertEqual(problems, [])

    def compile(self, name, source, *flags, compiler=None):
        """Builds a C program, or a C++ one when the name ends in .cc."""
        path = self.folder / name
        path.write_text(textwrap.dedent(source))
        compiler = compiler or ("g++" if name.endswith(".cc") else "gcc")
        program = path.with_suffix("")
        subprocess.run([compiler, "-g", "-O1", "-pthread", str(path), "-o", str(program), *flags], check=True)
        return str(program)

    def sample(self, name):
        path = SAMPLES / name
        self.assertTrue(path.exists(), f"{path} is not built")
        return str(path)


def rules(report):
    """The rules of a report's findings, sorted, each as often as it was found."""
    return sorted(finding["rule"] for finding in report["findings"])


class OwnSleep:
    """How long a process or thread sleeps of its own will: the time that it ran, or waited for a processor, is the machine's."""

    def __init__(self, pid):
        self.account = pathlib.Path(f"/proc/{pid}/schedstat")
        self.began = self.now()

    def now(self):
        try:
            ran, queued = map(int, self.account.read_text().split()[:2])
        except OSError:  # a kernel that keeps no such account
            ran = queued = 0
        return time.monotonic_ns() - ran - queued

    def seconds(self):
        return (self.now() - self.began) / 1e9


def read_line(stream):
    """One line, read byte by byte, so that nothing of the next stays in a buffer that select does not see."""
    line = b""
    while not line.endswith(b"\n"):
        ready, _, _ = select.select([stream], [], [], PATIENCE)
        byte = os.read(stream.fileno(), 1) if ready else b""
        if not byte:
            break
        line += byte
    return line.decode()
