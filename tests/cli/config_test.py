"""Options from gordian.conf and --config."""
import unittest

from gordian_case import GordianCase


class ConfigTest(GordianCase):
    def write(self, text, name="gordian.conf"):
        path = self.folder / name
        path.write_text(text)
        return path

    def test_the_file_in_the_working_folder_is_read(self):
        self.write("# what we want\n\n  json = report.json  \nquiet = true\n")
        result = self.gordian("run", "--", "true")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertTrue((self.folder / "report.json").stat().st_size)

    def test_the_named_file_is_read_instead(self):
        self.write("json = wrong.json\n")
        path = self.write("json = right.json\n", "other.conf")
        self.gordian("run", "--config", path, "--", "true")
        self.assertTrue((self.folder / "right.json").exists())
        self.assertFalse((self.folder / "wrong.json").exists())

    def test_the_command_line_wins(self):
        self.write("json = file.json\nkill-after = 30\n")
        result = self.gordian("run", "--json", "line.json", "--kill-after", "0.2", "--", "sleep", "20")
        self.assertEqual(result.returncode, 124)
        self.assertTrue((self.folder / "line.json").exists())
        self.assertFalse((self.folder / "file.json").exists())

    def test_every_option_may_stand_there(self):
        self.write("\n".join([
            "json = a.json", "text = a.txt", "out = kept", "on-deadlock = kill", "dump-after = 100",
            "kill-after = 100", "grace-ms = 100", "fail-on = never", "error-exitcode = 9", "only = sh", "only = true",
            "skip = false", "no-children = yes", "color = always", "q = false", "v = true", "redact = none"]))
        result = self.gordian("run", "--", "true")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(result.stderr, "")
        self.assertTrue((self.folder / "kept" / "run.json").exists())

    def test_a_wrong_line_is_named_and_nothing_starts(self):
        for text, where, what in (
                ("json = x\nno-such-key = 1\n", ":2:", "no-such-key"), ("grace-ms = soon\n", ":1:", "soon"),
                ("\n\njust words\n", ":3:", "just words"), ("color = pink\n", ":1:", "pink"),
                ("config = other\n", ":1:", "config"), ("json =\n", ":1:", "json"), ("quiet = maybe\n", ":1:", "maybe")):
            with self.subTest(text=text):
                self.write(text)
                result = self.gordian("run", "--", "touch", "started")
                self.assertEqual(result.returncode, 2)
                self.assertRegex(result.stderr, r"\Agordian: [^\n]+\n\Z")
                self.assertIn("gordian.conf" + where, result.stderr)
                self.assertIn(what, result.stderr)
                self.assertFalse((self.folder / "started").exists())

    def test_a_missing_named_file(self):
        result = self.gordian("run", "--config", "no.conf", "--", "true")
        self.assertEqual(result.returncode, 2)
        self.assertIn("no.conf: No such file", result.stderr)


if __name__ == "__main__":
    unittest.main()
