"""The JSON reports against docs/report.schema.json, and the schema against reports that it must refuse."""
import copy
import json
import os
import pathlib
import unittest

import jsonschema

SOURCE = pathlib.Path(os.environ["GORDIAN_SOURCE"])
GOLDEN = SOURCE / "tests" / "reports" / "golden"


def load(path):
    return json.loads(path.read_text(encoding="utf-8"))


class SchemaTest(unittest.TestCase):
    def setUp(self):
        self.schema = load(SOURCE / "docs" / "report.schema.json")
        self.validator = jsonschema.Draft7Validator(self.schema)

    def refused(self, change):
        report = copy.deepcopy(load(GOLDEN / "report.json"))
        change(report)
        return not self.validator.is_valid(report)

    def test_schema_is_valid(self):
        jsonschema.Draft7Validator.check_schema(self.schema)

    def test_golden_reports_are_valid(self):
        reports = sorted(GOLDEN.glob("*.json"))
        self.assertGreaterEqual(len(reports), 2)
        for report in reports:
            with self.subTest(report=report.name):
                self.validator.validate(load(report))

    def test_every_object_refuses_unknown_keys(self):
        def objects(node):
            if isinstance(node, dict):
                if node.get("type") == "object":
                    yield node
                for value in node.values():
                    yield from objects(value)
        found = list(objects(self.schema))
        self.assertGreater(len(found), 10)
        for node in found:
            self.assertIs(node["additionalProperties"], False)

    def test_refuses_what_is_wrong(self):
        def finding(report):
            return report["findings"][0]
        changes = {
            "other schema": lambda r: r.update(schema="gordian.report/2"),
            "unknown level": lambda r: finding(r).update(level="fatal"),
            "short fingerprint": lambda r: finding(r).update(fingerprint="12"),
            "null line": lambda r: finding(r)["threads"][0]["created"][0].update(line=None),
            "line zero": lambda r: finding(r)["threads"][0]["created"][0].update(line=0),
            "lock without class": lambda r: finding(r)["locks"][0].pop("class"),
            "missing coverage": lambda r: r.pop("coverage"),
            "unknown key": lambda r: finding(r).update(colour="red"),
            "local time": lambda r: r["run"].update(started="yesterday"),
        }
        for name, change in changes.items():
            with self.subTest(change=name):
                self.assertTrue(self.refused(change))


if __name__ == "__main__":
    unittest.main()
