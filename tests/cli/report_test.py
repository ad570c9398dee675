"""Kept runs and `gordian report`."""
import json
import unittest

import jsonschema

from gordian_case import SOURCE, GordianCase, rules


class ReportTest(GordianCase):
    def keep(self, *command):
        """Keeps a run in ./kept; returns its own report."""
        _, report = self.run_json("-q", "--out", "kept", "--", *command)
        return report

    def report_json(self, *options):
        path = self.folder / "again.json"
        result = self.gordian("report", "kept", "--json", path, *options)
        return result, json.loads(path.read_text())

    def test_a_kept_run_gives_the_same_findings(self):
        first = self.keep("sh", "-c", self.sample("abba") + ";" + self.sample("abba") + "; sleep 0.1")
        result, again = self.report_json()
        self.assertEqual(result.returncode, 66, result.stderr)
        self.assertEqual(rules(again), rules(first))
        self.assertEqual(sorted(finding["fingerprint"] for finding in again["findings"]),
                         sorted(finding["fingerprint"] for finding in first["findings"]))
        self.assertEqual(again["run"]["command"], first["run"]["command"])
        self.assertEqual(again["coverage"]["processes"], first["coverage"]["processes"])
        self.assertIn("lock-order-cycle", result.stdout)
        self.assertEqual(result.stderr, "")

    def test_exit_codes(self):
        self.keep(self.sample("abba"))
        self.assertEqual(self.gordian("report", "kept").returncode, 66)
        self.assertEqual(self.gordian("report", "kept", "--error-exitcode", "9").returncode, 9)
        self.assertEqual(self.gordian("report", "kept", "--fail-on=never").returncode, 0)

    def test_a_clean_run_is_one_line(self):
        self.keep("true")
        result = self.gordian("report", "kept")
        self.assertEqual(result.returncode, 0)
        self.assertEqual(len(result.stdout.splitlines()), 1, result.stdout)

    def test_a_deadlock_that_was_killed(self):
        _, first = self.run_json("-q", "--out", "kept", "--on-deadlock=kill-tree", "--", self.sample("deadlock"))
        _, again = self.report_json()
        self.assertEqual(rules(again), rules(first))

    def test_text_to_a_file(self):
        self.keep(self.sample("abba"))
        result = self.gordian("report", "kept", "--text", "report.txt")
        self.assertEqual(result.stdout, "")
        self.assertIn("lock-order-cycle", (self.folder / "report.txt").read_text())

    def test_how_much_and_in_what_colours(self):
        self.keep(self.sample("abba"))
        plain = self.gordian("report", "kept").stdout
        self.assertNotIn("\x1b", plain)
        self.assertIn("\x1b[", self.gordian("report", "kept", "--color=always").stdout)
        quiet = self.gordian("report", "kept", "-q").stdout
        self.assertEqual(quiet.splitlines(), plain.splitlines()[-1:])
        self.assertGreater(len(self.gordian("report", "kept", "-v").stdout), len(plain))

    def test_near_misses_where_asked(self):
        self.keep(self.sample("gate_lock"))
        result, plain = self.report_json()
        self.assertNotIn("NEAR MISS", result.stdout)
        self.assertNotIn("near_misses", plain)
        result, report = self.report_json("--explain-pruned")
        self.assertEqual(result.returncode, 0)
        self.assertRegex(result.stdout, r"NEAR MISS: .* opposite orders[^-]*- no-common-gate: ")
        self.assertEqual([miss["conditions"][0]["name"] for miss in report["near_misses"]], ["no-common-gate"])
        schema = json.loads((SOURCE / "docs" / "report.schema.json").read_text())
        jsonschema.validate(report, schema)
        self.assertIn("No near misses", self.gordian("run", "--explain-pruned", "--", "true").stderr)

    def test_no_run_is_3(self):
        (self.folder / "empty").mkdir()
        (self.folder / "file").write_text("text")
        for place in ("no-such-folder", "empty", "file"):
            result = self.gordian("report", place)
            self.assertEqual(result.returncode, 3)
            self.assertRegex(result.stderr, r"\Agordian: [^\n]+\n\Z")

    def test_a_damaged_trace_is_named_and_the_others_are_judged(self):
        self.keep("sh", "-c", self.sample("abba") + "; true")
        traces = sorted((self.folder / "kept").glob("*.trace"))
        self.assertGreaterEqual(len(traces), 2)
        shell = [trace for trace in traces if b"/abba\0" not in trace.read_bytes()[:8192]]
        shell[0].write_bytes(b"no trace at all")
        result, report = self.report_json()
        self.assertEqual(result.returncode, 66, result.stderr)
        self.assertIn("lock-order-cycle", rules(report))
        self.assertIn(shell[0].name, " ".join(report["coverage"]["unseen"]))

    def test_a_torn_trace_gives_what_is_left(self):
        self.keep(self.sample("abba"))
        trace, = (self.folder / "kept").glob("*.trace")
        whole = trace.read_bytes()
        trace.write_bytes(whole[:9000])
        result, report = self.report_json()
        self.assertIn(result.returncode, (0, 66))
        self.assertIn("damaged", " ".join(report["coverage"]["unseen"]))


class SecretsTest(GordianCase):
    COMMAND = ["sh", "-c", "exit 0", "--password=hunter2"]

    def test_a_secret_is_hidden(self):
        _, report = self.run_json("-v", "--", *self.COMMAND)
        self.assertNotIn("hunter2", json.dumps(report))
        self.assertIn("--password=", json.dumps(report))

    def test_unless_told_otherwise(self):
        _, report = self.run_json("--redact=none", "--", *self.COMMAND)
        self.assertIn("hunter2", json.dumps(report))

    def test_nor_does_an_orphan_tell_it(self):
        command = ["sh", "-c", "sh -c 'sleep 3; exit 0' --token=hunter2 >/dev/null 2>&1 & exit 0"]
        for redact, shown in (("auto", False), ("none", True)):
            result, report = self.run_json("--grace-ms", "300", f"--redact={redact}", "--kill-after", "20", "--", *command)
            self.assertIn("child-orphan", rules(report))
            self.assertEqual("hunter2" in result.stderr + json.dumps([report["findings"], report["coverage"]]), shown)


if __name__ == "__main__":
    unittest.main()
