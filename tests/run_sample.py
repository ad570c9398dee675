"""Runs one sample under `gordian run` and compares what is reported with what its first lines expect.

    run_sample.py samples/NAME.cc

The header of a sample, after the comment that tells its story:
    EXPECT: rule      one line a finding, over all levels; `EXPECT: rule level` where the rule has more than one
                      level; or `EXPECT: clean`
    RUN: args         arguments of the program; each such line is a run of its own
    OPTIONS: options  of `gordian run`
    HANGS             without gordian the program never ends
"""
import collections
import json
import os
import pathlib
import re
import shlex
import signal
import subprocess
import sys
import tempfile

import jsonschema

SECONDS_TO_HANG = 1  # how long a program that hangs is watched hanging
SECONDS_TO_END = 90
EXIT_FOUND = 66
# What a busy machine alone can bring about: each is judged in the samples that name it.
BY_TIME = {"blocking-while-locked", "long-hold", "long-wait", "stuck-holder"}
DIRECTIVE = re.compile(r"(?://|#) (EXPECT|RUN|OPTIONS|HANGS)\b:? ?(.*)")


class Sample:
    """What a sample says about itself."""

    def __init__(self, path):
        self.path = pathlib.Path(path).resolve()
        self.name = self.path.stem
        self.expected = []
        self.runs = []
        self.options = []
        self.hangs = False
        text = self.path.read_text()
        self.silent = {rule for rule in BY_TIME if rule not in text}
        lines = text.splitlines()
        self.story = lines[0].strip("/*# ")
        self.line_count = len(lines)
        for line in lines:
            match = DIRECTIVE.fullmatch(line.strip())
            if match is None:
                continue
            word, rest = match.groups()
            if word == "EXPECT":
                self.expected.append(rest)
            elif word == "RUN":
                self.runs.append(shlex.split(rest))
            elif word == "OPTIONS":
                self.options += shlex.split(rest)
            else:
                self.hangs = True
        self.runs = self.runs or [[]]

    @property
    def rules(self):
        return [words.split()[0] for words in self.expected if words != "clean"]

    def command(self, build):
        if self.path.suffix == ".py":
            return ["/usr/bin/python3", "-B", str(self.path)]
        return [str(build / "samples" / self.name)]


def all_samples(source):
    folder = pathlib.Path(source) / "samples"
    return [Sample(path) for path in sorted(folder.iterdir()) if path.suffix in (".cc", ".c", ".py")]


class Outcome:
    """How a command ended: its exit code (negative: a signal, None: it did not end in time) and output."""

    def __init__(self, command, folder, seconds):
        environment = {key: value for key, value in os.environ.items() if not key.startswith("GORDIAN_")}
        # Files, not pipes: a process that outlives the command must not keep this one waiting.
        with open(folder / "stdout", "w+b") as stdout, open(folder / "stderr", "w+b") as stderr:
            process = subprocess.Popen(command, cwd=folder, env=environment, start_new_session=True,
                                       stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr)
            try:
                self.code = process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.code = None
            # Whatever the command left behind is in its process group, ended or not.
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.wait()
            stdout.seek(0)
            stderr.seek(0)
            self.stdout = stdout.read()
            self.stderr = stderr.read().decode(errors="replace")


def listed(rules):
    return ", ".join(f"{count} {rule}" for rule, count in sorted(rules.items())) or "nothing"


def compare(report, sample):
    """Complaints about the findings of a report: missing ones and superfluous ones."""
    levelled = {words.split()[0] for words in sample.expected if " " in words}
    expected = collections.Counter(words for words in sample.expected if words != "clean")
    found = collections.Counter(
        f"{finding['rule']} {finding['level']}" if finding["rule"] in levelled else finding["rule"]
        for finding in report["findings"] if finding["rule"] not in sample.silent)
    complaints = []
    if expected - found:
        complaints.append(f"missing: {listed(expected - found)}")
    if found - expected:
        complaints.append(f"not expected: {listed(found - expected)}")
    return complaints


def check(sample, arguments, build, source):
    """Runs the sample once without gordian and once under it. Returns complaints."""
    command = sample.command(build) + arguments
    with tempfile.TemporaryDirectory(prefix="gordian-sample-") as name:
        folder = pathlib.Path(name)
        alone = Outcome(command, folder, SECONDS_TO_HANG if sample.hangs else SECONDS_TO_END)
        json_file = folder / "report.json"
        traced = Outcome([str(build / "bin" / "gordian"), "run", "--json", str(json_file), *sample.options, "--",
                          *command], folder, SECONDS_TO_END)
        # It is created before the program starts.
        if not json_file.exists() or json_file.stat().st_size == 0:
            return [f"no report; gordian ended with {traced.code} and said:\n{traced.stderr}"]
        report = json.loads(json_file.read_text())
    schema = json.loads((source / "docs" / "report.schema.json").read_text())
    complaints = [f"against the schema, at {error.json_path}: {error.message}"
                  for error in jsonschema.Draft202012Validator(schema).iter_errors(report)]
    complaints += compare(report, sample)
    if sample.hangs != (alone.code is None):
        complaints.append(f"alone it {'hangs' if alone.code is None else f'ends with {alone.code}'}")
    has_error = any(finding["level"] == "error" for finding in report["findings"])
    if sample.hangs or (alone.code == 0 and has_error):
        code = EXIT_FOUND
    else:
        code = alone.code
    if traced.code != code:
        complaints.append(f"exit code {traced.code}, not {code}")
    if not sample.hangs and traced.stdout != alone.stdout:
        complaints.append(f"another output: {traced.stdout!r}, not {alone.stdout!r}")
    if report["coverage"]["dropped"] != 0:
        complaints.append(f"coverage: {report['coverage']['dropped']} events dropped")
    if complaints:
        complaints.append(f"gordian said:\n{traced.stderr}")
    return complaints


def main():
    sample = Sample(sys.argv[1])
    source = sample.path.parent.parent
    build = pathlib.Path(os.environ.get("GORDIAN_BUILD", source / "build" / "release"))
    failed = False
    for arguments in sample.runs:
        for complaint in check(sample, arguments, build, source):
            failed = True
            print(f"{' '.join([sample.name, *arguments])}: {complaint}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
