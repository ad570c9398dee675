"""`pytest --gordian`: each test in a process of its own under `gordian run`, with a verdict of its own.

A finding fails the test that it befell; a test that hangs for good is ended and failed with both sides of the deadlock, and
the others run on; threads and children that a test leaves behind are named in a warning. A test that is to show something
says so: `@pytest.mark.gordian(expect=["lock-order-cycle"])`. Fixtures of a wider scope than a test are made for each.
"""
import json
import os
import subprocess
import sys

import pytest

import gordian_testing

# Of the outer pytest alone: how tests are shared out, where results go, when to stop.
OUTER = ("--gordian", "-n", "--numprocesses", "--dist", "--tx", "--junitxml", "--junit-xml", "-x", "--exitfirst", "--maxfail",
         "--pdb", "-k", "-m", "--lf", "--last-failed", "--ff", "--failed-first", "--sw", "--stepwise")
OUTER_WITH_VALUE = ("-n", "--numprocesses", "--dist", "--tx", "--junitxml", "--junit-xml", "--maxfail", "-k", "-m",
                    "--gordian-fail-on", "--gordian-timeout")


class GordianWarning(pytest.PytestWarning):
    """What Gordian tells of a test that passes."""


def pytest_addoption(parser):
    group = parser.getgroup("gordian")
    group.addoption("--gordian", action="store_true", help="run each test under gordian, in a process of its own")
    group.addoption("--gordian-fail-on", choices=[*gordian_testing.LEVELS, "never"], default="error",
                    help="the level from which on a finding fails its test (default: error)")
    group.addoption("--gordian-timeout", type=float, default=0, metavar="SEC",
                    help="end a test after SEC seconds, also where it is in no deadlock, and tell where it stands")
    group.addoption("--gordian-lines", help="(of the process of one test) where its results go")


def pytest_configure(config):
    config.addinivalue_line("markers", "gordian(expect=[rules]): what Gordian is to find in this test, and does not fail it")
    if config.option.gordian_lines:
        config.pluginmanager.register(OneTest(config, config.option.gordian_lines), "gordian-one-test")
    elif config.option.gordian:
        config.pluginmanager.register(AllTests(config), "gordian-all-tests")


class OneTest:
    """In the process of one test: writes down how it went."""

    def __init__(self, config, path):
        self.config = config
        self.path = path

    def write(self, value):
        with open(self.path, "a", encoding="utf-8") as file:
            print(json.dumps(value), file=file)

    def pytest_runtest_logreport(self, report):
        self.write(self.config.hook.pytest_report_to_serializable(config=self.config, report=report))

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self):
        self.write({"left": gordian_testing.leftovers()})


class AllTests:
    def __init__(self, config):
        self.config = config
        workerinput = getattr(config, "workerinput", None)  # of xdist
        self.arguments = self.inner(workerinput["mainargv"][1:] if workerinput else config.invocation_params.args)

    def inner(self, arguments):
        """The options that the process of one test has, too."""
        result = []
        rest = iter([str(argument) for argument in arguments])
        for argument in rest:
            name, is_one_word = argument.partition("=")[0], "=" in argument
            short = argument[:2] in ("-n", "-k", "-m") and not argument.startswith("--")
            if name in OUTER_WITH_VALUE or short:
                if not is_one_word and argument in OUTER_WITH_VALUE:
                    next(rest, None)
            elif name not in OUTER and argument not in self.config.args:
                result.append(argument)
        return result

    def run(self, item):
        place = "::".join([str(item.path), *item.nodeid.split("::")[1:]])
        quiet = {} if self.config.option.capture == "no" else {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        return gordian_testing.run(
            [sys.executable, "-m", "pytest", *self.own_plugin(), "-p", "no:cacheprovider", "--rootdir", str(self.config.rootpath),
             *self.arguments, place, "--gordian-lines"],
            self.config.option.gordian_timeout, cwd=self.config.invocation_params.dir, env=environment, **quiet)

    def own_plugin(self):
        """Where it is not installed, it was asked for by -p."""
        plugin = "gordian_testing.pytest_plugin"
        return [] if plugin in self.arguments or self.is_installed() else ["-p", plugin]

    def is_installed(self):
        return any(name.startswith("gordian") for _, distribution in self.config.pluginmanager.list_plugin_distinfo()
                   for name in [distribution.project_name])

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item):
        item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        for report in self.judge(item, self.run(item)):
            item.ihook.pytest_runtest_logreport(report=report)
        item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        return True

    def judge(self, item, verdict):
        marker = item.get_closest_marker("gordian")
        expected = list(marker.kwargs.get("expect", [])) if marker else []
        reports = [self.read(line) for line in verdict.lines if "left" not in line]
        left = [what for line in verdict.lines for what in line.get("left", [])]
        failures = verdict.failures(self.config.option.gordian_fail_on, expected)
        if not any(report.when == "teardown" for report in reports):
            hang = any(finding["rule"] in ("deadlock", "self-deadlock", "abandoned-lock") for finding in verdict.findings)
            if not (hang and expected and not failures):
                failures.append(f"the test did not come to its end (exit code {verdict.exit_code})")
            if not any(report.when == "call" for report in reports):
                reports.append(pytest.TestReport(item.nodeid, item.location, {item.name: 1}, "passed", None, "call"))
        self.warn(item, verdict, left, expected)
        if failures:
            report = next((report for report in reports if report.when == "call"), reports[-1])
            text = "\n".join(failures) + "\n\n" + verdict.text
            if report.failed:
                report.sections.append(("gordian", text))
            else:
                report.outcome, report.longrepr = "failed", text
                report.__dict__.pop("wasxfail", None)
        return reports

    def read(self, line):
        report = self.config.hook.pytest_report_from_serializable(config=self.config, data=line)
        if isinstance(report.longrepr, list):
            report.longrepr = tuple(report.longrepr)  # of a skipped test, which JSON has as a list
        return report

    def warn(self, item, verdict, left, expected):
        fail_on = self.config.option.gordian_fail_on
        for finding in verdict.findings:
            below = fail_on == "never" or gordian_testing.LEVELS.index(finding["level"]) < gordian_testing.LEVELS.index(fail_on)
            if below and finding["level"] != "note" and finding["rule"] not in expected and finding["status"] == "new":
                item.warn(GordianWarning(f"{item.nodeid}: {finding['rule']}: {finding['title']}"))
        if left:
            item.warn(GordianWarning(f"{item.nodeid} leaves behind: {', '.join(left)}"))
