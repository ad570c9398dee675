"""Baselines, and `gordian check`: what is known does not fail, and nothing is clean by accident."""
import json
import shutil
import unittest

from gordian_case import GordianCase


class BaselineTest(GordianCase):
    def setUp(self):
        super().setUp()
        self.gordian("run", "-q", "--out", "bad", "--", self.sample("abba"))
        self.gordian("run", "-q", "--out", "clean", "--", "true")

    def test_what_is_in_the_baseline_does_not_count(self):
        self.assertEqual(self.gordian("baseline", "write", "base.json", "bad", "clean").returncode, 0)
        lines = (self.folder / "base.json").read_text().splitlines()
        self.assertEqual(len(lines), 3)
        self.assertRegex(lines[1], r'"rule":"lock-order-cycle".*"about":"checking.mutex -> savings.mutex"')
        result = self.gordian("run", "--baseline", "base.json", "--json", "r.json", "--", self.sample("abba"))
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("BASELINE lock-order-cycle: ", result.stderr)
        self.assertIn("; 1 in the baseline\n", result.stderr)
        report = json.loads((self.folder / "r.json").read_text())
        self.validate(report)
        self.assertEqual([finding["status"] for finding in report["findings"]], ["baseline"])
        self.assertEqual(self.gordian("check", "bad", "--baseline", "base.json").returncode, 0)
        self.assertEqual(self.gordian("check", "bad", "--baseline", "base.json", "--fail-on=any").returncode, 66)
        self.gordian("check", "bad", "--baseline", "base.json", "--sarif", "s")
        self.assertEqual(json.loads((self.folder / "s").read_text())["runs"][0]["results"][0]["baselineState"], "unchanged")

    def test_what_got_worse_is_new(self):
        self.gordian("baseline", "write", "base.json", "bad")
        text = (self.folder / "base.json").read_text()
        (self.folder / "base.json").write_text(text.replace('"level":"error"', '"level":"warning"'))
        self.assertEqual(self.gordian("check", "bad", "--baseline", "base.json").returncode, 66)

    def test_it_is_never_written_by_accident(self):
        (self.folder / "base.json").write_text("mine")
        self.assertEqual(self.gordian("baseline", "write", "base.json", "bad").returncode, 5)
        self.assertEqual((self.folder / "base.json").read_text(), "mine")
        self.assertEqual(self.gordian("baseline", "write", "base.json", "bad", "--force").returncode, 0)

    def test_diff_and_prune(self):
        self.gordian("baseline", "write", "base.json", "bad")
        result = self.gordian("baseline", "diff", "base.json", "clean")
        self.assertEqual(result.returncode, 0)
        self.assertIn("gone: lock-order-cycle:checking.mutex -> savings.mutex @", result.stdout)
        result = self.gordian("diff", "clean", "bad")
        self.assertEqual(result.returncode, 66)
        self.assertIn("ERROR lock-order-cycle", result.stdout)
        self.assertEqual(self.gordian("diff", "bad", "bad").returncode, 0)
        self.assertIn("1 finding taken out, 0 left", self.gordian("baseline", "prune", "base.json", "clean").stderr)
        self.assertEqual(self.gordian("check", "bad", "--baseline", "base.json").returncode, 66)

    def test_a_baseline_that_cannot_be_read_is_5(self):
        self.gordian("baseline", "write", "base.json", "bad")
        whole = (self.folder / "base.json").read_text()
        for text, message in ((whole.replace("baseline/1", "baseline/2"), "its schema is gordian.baseline/2"),
                              (whole[:40], "cut off"), ("[]", "cut off"), ("{}", "it is no baseline"),
                              (whole.replace('"fingerprint":"', '"fingerprint":"x'), "number 1 has no fingerprint"), (None, "No such file")):
            if text is None:
                (self.folder / "base.json").unlink()
            else:
                (self.folder / "base.json").write_text(text)
            for command in (["check", "bad"], ["run"]):
                result = self.gordian(*command, "--baseline", "base.json", *(["--", "touch", "ran"] if command == ["run"] else []))
                self.assertEqual(result.returncode, 5, result.stderr)
                self.assertIn(message, result.stderr)
                self.assertFalse((self.folder / "ran").exists())


class GateTest(GordianCase):
    def keep(self, name, *command):
        self.gordian("run", "-q", "--out", name, "--", *command)

    def test_findings_of_many_runs_are_told_once(self):
        self.keep("runs", "true")
        shutil.rmtree(self.folder / "runs")
        (self.folder / "runs").mkdir()
        for number in range(3):
            self.keep(f"runs/{number}", self.sample("abba"))
        self.run_json("-q", "--", self.sample("abba"))
        shutil.move(self.folder / "report.json", self.folder / "runs" / "four.json")
        result = self.gordian("check", "runs", "--json", "all.json")
        self.assertEqual(result.returncode, 66)
        report = json.loads((self.folder / "all.json").read_text())
        self.validate(report)
        self.assertEqual([(finding["rule"], finding["count"]) for finding in report["findings"]], [("lock-order-cycle", 4)])
        self.assertEqual(report["coverage"]["processes"], 4)

    def test_what_is_missing_is_not_clean(self):
        (self.folder / "empty").mkdir()
        self.keep("clean", "true")
        for runs in (["none"], ["empty"], ["clean", "none"]):
            result = self.gordian("check", *runs)
            self.assertEqual(result.returncode, 4, result.stderr)
            self.assertRegex(result.stderr, r"\Agordian: (none|empty): ")
        self.assertEqual(self.gordian("check", "clean").returncode, 0)
        self.assertEqual(self.gordian("check", "clean", "--expect-processes", "2").returncode, 4)

    def test_a_report_that_is_cut_off_or_newer(self):
        _, report = self.run_json("-q", "--", "true")
        text = (self.folder / "report.json").read_text()
        for broken in (text[:-20], text.replace("report/1", "report/2"), "", "[1]"):
            (self.folder / "report.json").write_text(broken)
            self.assertEqual(self.gordian("check", "report.json").returncode, 5)

    def test_a_program_that_the_shim_does_not_reach(self):
        static = self.compile("static.c", "int main(void) { return 0; }", "-static")
        result = self.gordian("run", "--require-coverage", "50", "--", static)
        self.assertEqual(result.returncode, 4, result.stderr)
        self.assertIn("FAILED: nothing was recorded", result.stderr)
        self.keep("static_run", static)
        self.assertEqual(self.gordian("check", "static_run").returncode, 4)
        result = self.gordian("run", "--require-coverage", "100", "--", "sh", "-c", "env -i /bin/true; exit 0")
        self.assertEqual(result.returncode, 4, result.stderr)
        self.assertIn("FAILED: --require-coverage: 1 of 2 processes were recorded, less than 100 %", result.stderr)
        self.assertEqual(self.gordian("run", "--require-coverage", "100", "--", "sh", "-c", "/bin/true; exit 0").returncode, 0)
        self.assertEqual(self.gordian("run", "--require-coverage", "100", "--", static, "x").returncode, 4)

    def test_the_programs_own_code_stays(self):
        self.assertEqual(self.gordian("run", "--expect-processes", "9", "--", "sh", "-c", "exit 7").returncode, 7)

    def test_a_trace_that_is_torn(self):
        self.keep("kept", self.sample("gate_lock"))
        trace, = (self.folder / "kept").glob("*.trace")
        trace.write_bytes(trace.read_bytes()[:9000])
        result = self.gordian("check", "kept", "--junit", "j.xml")
        self.assertEqual(result.returncode, 4, result.stdout)
        self.assertIn("is not whole", result.stdout)
        self.assertIn("<error type=\"coverage\"", (self.folder / "j.xml").read_text())

    def test_what_is_wrong_with_the_options(self):
        for option, value in (("--expect-processes", "many"), ("--require-coverage", "101"), ("--require-coverage", "nan")):
            self.assertEqual(self.gordian("check", "x", option, value).returncode, 2)


if __name__ == "__main__":
    unittest.main()
