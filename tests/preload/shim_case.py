"""What the tests of the shim share: a probe program prints what it saw; what it prints must not depend on the shim."""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import unittest

BUILD = pathlib.Path(os.environ["GORDIAN_BUILD"])
SOURCE = pathlib.Path(os.environ["GORDIAN_SOURCE"])
GORDIAN = str(BUILD / "bin" / "gordian")
SHIM = str(BUILD / "lib" / "libgordian_preload.so")
PROBES = SOURCE / "tests" / "preload" / "probes"
CC = os.environ.get("CC", "gcc")
CXX = os.environ.get("CXX", "g++")
# Far beyond what anything here takes; ends what hangs.
PATIENCE = 30


def build(folder, source, *flags, compiler=None, name=None):
    """Compiles a probe; returns the program's path."""
    is_cxx = source.endswith(".cc")
    compiler = compiler or (CXX if is_cxx else CC)
    flags = (*(("-std=c++20",) if is_cxx else ()), *flags)
    program = pathlib.Path(folder) / (name or pathlib.Path(source).stem)
    subprocess.run([compiler, "-g", "-O1", "-Wall", "-pthread", str(PROBES / source), "-o", str(program), *flags],
                   check=True, timeout=PATIENCE)
    return str(program)


def clean_environment(**more):
    """Little, so that a difference shows, and nothing that an outer gordian may have put there."""
    return {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "LC_ALL": "C", **more}


def finish(command, timeout=PATIENCE, **options):
    """Runs a command to its end. One that hangs is killed, with all that it started and still owns, and fails the test."""
    for stream in ("stdout", "stderr"):
        options.setdefault(stream, subprocess.PIPE)
    options.setdefault("stdin", subprocess.DEVNULL)
    options.setdefault("process_group", 0)
    process = subprocess.Popen([str(part) for part in command], **options)
    try:
        out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def rules(report):
    """The rules of a report's findings, sorted, each as often as it was found; without the one that a busy machine alone
    can bring about, where a lock is held meanwhile."""
    return sorted(finding["rule"] for finding in report["findings"] if finding["rule"] != "blocking-while-locked")


class ShimCase(unittest.TestCase):
    """A test class with programs of its own, built once: SOURCES maps a probe's source to its compiler flags."""
    SOURCES = {}
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.programs = tempfile.mkdtemp(prefix="gordian-probes-")
        cls.addClassCleanup(shutil.rmtree, cls.programs, ignore_errors=True)
        cls.probe = {}
        for source, flags in cls.SOURCES.items():
            cls.probe[pathlib.Path(source).stem] = build(cls.programs, source, *flags)

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="gordian-shim-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def run_folder(self):
        """A new folder for traces, where the shim would put it: on tmpfs."""
        path = tempfile.mkdtemp(prefix="gordian-test-run-", dir="/dev/shm")
        self.addCleanup(shutil.rmtree, path, ignore_errors=True)
        return path

    def shim_environment(self, run, options="", **more):
        return clean_environment(**{**more, "LD_PRELOAD": ":".join(filter(None, [SHIM, more.get("LD_PRELOAD")])),
                                    "GORDIAN_OPTIONS": f"run={run}" + options})

    def report(self, run):
        """What `gordian report` says about a folder of traces."""
        path = self.folder / "report.json"
        result = finish([GORDIAN, "report", run, "--json", path, "--text", "/dev/null"], env=clean_environment())
        self.assertTrue(path.exists(), result)
        return json.loads(path.read_text())

    def compare(self, command, expect=(), status=None, options="", environment=None, **more):
        """Runs a command without the shim and with it: same output, same end. Then the traces must give exactly the
        expected rules (None: not looked at). Returns the report; the folder of the traces is self.traced."""
        environment = environment or {}
        bare = finish(command, env=clean_environment(**environment), **more)
        self.traced = run = self.run_folder()
        shimmed = finish(command, env=self.shim_environment(run, options, **environment), **more)
        self.assertEqual((bare.returncode, bare.stdout.decode("latin1"), bare.stderr.decode("latin1")),
                         (shimmed.returncode, shimmed.stdout.decode("latin1"), shimmed.stderr.decode("latin1")))
        if status is not None:
            self.assertEqual(bare.returncode, status, bare)
        self.assertTrue(os.listdir(run), "no trace was left: the shim was not there")
        report = self.report(run)
        if expect is not None:
            self.assertEqual(rules(report), sorted(expect),
                             [finding["title"] for finding in report["findings"]])
        return report
