"""Every format of a report: that readers take it, that nothing of a hostile name gets through, and how it is written."""
import json
import re
import shutil
import subprocess
import unittest
import xml.etree.ElementTree

from gordian_case import GordianCase

FORMATS = {"json": "r.json", "sarif": "r.sarif", "junit": "r.xml", "gitlab": "r.gl", "github": "r.gh", "markdown": "r.md",
           "dot": "r.dot", "mermaid": "r.mmd", "html": "r.html", "gen-suppressions": "r.supp"}
# What a target can call its threads, files and locks: controls, a bell, markup of each format, text that runs the other way,
# and length.
HOSTILE = ("a\x1b[2J\x07\r\n::error::x\t</script><script>alert(1)</script>]]>&\"'\x7f\u202e\u2066|`[x](http://e)`@all\\"
           "\x00{0}%0A-->}} " + "y" * 10000)
# Words that a format decides by.
WORDS = {"schema", "level", "confidence", "fingerprint", "status", "id", "kind", "mode", "thread", "lock", "for", "address",
         "offset", "language", "rule", "started", "state"}


def hostile(value, key=""):
    if isinstance(value, dict):
        return {name: hostile(entry, name) for name, entry in value.items()}
    if isinstance(value, list):
        return [hostile(entry, key) for entry in value]
    if key == "suppression":
        return "deadlock:" + HOSTILE
    return HOSTILE if isinstance(value, str) and key not in WORDS else value


class FormatsTest(GordianCase):
    def write_all(self, *command):
        options = [word for name, path in FORMATS.items() for word in (f"--{name}", path)]
        result = self.gordian(command[0], *options, *command[1:])
        self.assertNotIn("could not be written", result.stdout + result.stderr)
        texts = {name: (self.folder / path).read_bytes().decode() for name, path in FORMATS.items()}
        self.assertEqual([path for path in self.folder.iterdir() if path.name.startswith(".gordian")], [])
        return result, texts

    def read_all(self, texts):
        """Each with what reads it."""
        self.validate(json.loads(texts["json"]))
        sarif = json.loads(texts["sarif"])
        suites = xml.etree.ElementTree.fromstring(texts["junit"])
        gitlab = json.loads(texts["gitlab"])
        page = re.search(r'<script type="application/json" id="report">(.*?)</script>', texts["html"], re.DOTALL)
        self.validate(json.loads(page.group(1)))
        return sarif["runs"][0], suites, gitlab

    def test_all_at_once_and_what_they_say(self):
        self.gordian("run", "-q", "--out", "kept", "--", self.sample("abba"))
        result, texts = self.write_all("report", "kept", "--source-root", "/")
        self.assertEqual(result.returncode, 66)
        run, suites, gitlab = self.read_all(texts)
        finding, = json.loads(texts["json"])["findings"]
        entry, = run["results"]
        self.assertEqual((entry["ruleId"], entry["level"], run["invocations"][0]["exitCode"]), ("lock-order-cycle", "error", 66))
        self.assertEqual(entry["partialFingerprints"], {"gordianFinding/v1": finding["fingerprint"]})
        place = entry["locations"][0]["physicalLocation"]
        self.assertRegex(place["artifactLocation"]["uri"], r"\A[^/].*samples/abba\.cc\Z")
        self.assertEqual(place["artifactLocation"]["uriBaseId"], "%SRCROOT%")
        flows = entry["codeFlows"][0]["threadFlows"]
        self.assertEqual([flow["id"] for flow in flows], ["T1", "T2"])
        self.assertEqual(sorted(step["executionOrder"] for flow in flows for step in flow["locations"]), [1, 2, 3, 4])
        self.assertEqual((suites.get("tests"), suites.get("failures")), ("1", "1"))
        self.assertIn("holds checking.mutex", suites.find(".//failure").text)
        self.assertEqual((gitlab[0]["fingerprint"], gitlab[0]["severity"]), (finding["fingerprint"], "critical"))
        self.assertGreater(gitlab[0]["location"]["lines"]["begin"], 1)
        self.assertRegex(texts["github"], r"\A::error file=\S*samples/abba\.cc,line=\d+,title=lock-order-cycle \(potential\)::[^\n]+\n\Z")
        self.assertIn("## Gordian: 1 error", texts["markdown"])
        self.assertEqual(texts["dot"].count(" -> f1_"), 4)
        self.assertEqual(texts["dot"].count("style=dashed"), 2)
        self.assertEqual(texts["mermaid"].count(" -.->"), 2)
        self.assertIn(finding["suppression"] + "\n", texts["gen-suppressions"])

    def test_what_is_known_is_marked_and_not_left_out(self):
        self.gordian("run", "-q", "--out", "kept", "--", self.sample("abba"))
        (self.folder / "s").write_text("lock-order-cycle:* # accepted\n")
        result, texts = self.write_all("report", "kept", "--suppressions", "s")
        self.assertEqual(result.returncode, 0)
        run, suites, gitlab = self.read_all(texts)
        self.assertEqual(run["results"][0]["suppressions"], [{"kind": "external", "status": "accepted", "justification": "accepted"}])
        self.assertEqual(suites.find(".//skipped").get("message"), "suppressed by s:1: accepted")
        self.assertEqual((gitlab, texts["github"]), ([], ""))

    def test_a_clean_run(self):
        self.gordian("run", "-q", "--out", "kept", "--", "true")
        _, texts = self.write_all("report", "kept")
        run, suites, gitlab = self.read_all(texts)
        self.assertEqual((run["results"], gitlab, texts["github"]), ([], [], ""))
        self.assertEqual([case.get("name") for case in suites.iter("testcase")], ["no findings"])

    def test_hostile_names(self):
        _, report = self.run_json("-q", "--", self.sample("abba"))
        zombie = self.run_json("-q", "--grace-ms", "200", "--", "/usr/bin/python3", "-c",
                               "import subprocess, time; p = subprocess.Popen(['true']); time.sleep(1)")[1]
        report["findings"] += zombie["findings"]
        (self.folder / "hostile.json").write_text(json.dumps(hostile(report)))
        result, texts = self.write_all("check", "hostile.json", "-v")
        self.assertEqual(result.returncode, 66)
        run, suites, gitlab = self.read_all(texts)
        self.assertGreaterEqual(len(run["results"]), 2)
        self.assertEqual(len(run["results"]), len(gitlab))
        self.assertEqual(len(run["results"]), len(list(suites.iter("testcase"))))
        for name, text in {**texts, "text": result.stdout}.items():
            with self.subTest(name):
                bad = re.search("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]", text)
                self.assertIsNone(bad, bad and repr(text[max(0, bad.start() - 40):bad.end() + 40]))
                if name != "html":
                    self.assertIsNone(re.search(r"^::error::x", text, re.MULTILINE))
        # No element but the page's own, and only its own scripts.
        self.assertEqual(texts["html"].count("<script"), 2)
        self.assertEqual(texts["html"].count("</script>"), 2)
        self.assertNotIn("<script", re.sub(r"(?ms)^(`{3,})text\n.*?^\1$", "", texts["markdown"]))
        self.assertEqual(len([line for line in texts["github"].splitlines() if not line.startswith("::")]), 0)
        self.assertLess(max(map(len, texts["dot"].splitlines())), 16384)
        if shutil.which("dot"):
            drawn = subprocess.run(["dot", "-Tsvg"], input=texts["dot"], capture_output=True, text=True, check=True)
            xml.etree.ElementTree.fromstring(drawn.stdout)

    def test_ten_annotations_and_how_many_more(self):
        _, report = self.run_json("-q", "--", self.sample("abba"))
        one = report["findings"][0]
        report["findings"] = [dict(one, fingerprint=f"{number:016x}") for number in range(25)]
        (self.folder / "many.json").write_text(json.dumps(report))
        self.gordian("check", "many.json", "--github", "gh", "--markdown", "md", "--sarif", "sarif")
        lines = (self.folder / "gh").read_text().splitlines()
        self.assertEqual(len(lines), 10)
        self.assertTrue(lines[-1].endswith("%0A+15 more in the report"))
        self.assertEqual(len(json.loads((self.folder / "sarif").read_text())["runs"][0]["results"]), 25)

    def test_github_actions(self):
        environment = self.environment(GITHUB_ACTIONS="true", GITHUB_STEP_SUMMARY=str(self.folder / "summary"))
        (self.folder / "summary").write_text("before\n")
        result = self.gordian("run", "--", "true", env=environment)
        self.assertEqual((self.folder / "summary").read_text(), "before\n")
        self.assertNotIn("::", result.stderr)
        result = self.gordian("run", "--", self.sample("abba"), env=environment)
        self.assertRegex(result.stderr, r"(?m)^::error .*title=lock-order-cycle")
        self.assertRegex((self.folder / "summary").read_text(), r"\Abefore\n## Gordian: 1 error")
        # Beyond 1 MiB it would be dropped as a whole, with what others wrote.
        (self.folder / "summary").write_text("x" * 900_000)
        self.gordian("run", "--", self.sample("abba"), env=environment)
        self.assertLessEqual((self.folder / "summary").stat().st_size, 900_000)


if __name__ == "__main__":
    unittest.main()
