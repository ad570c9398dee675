"""The documents against what there is: commands, options, links, samples."""
import os
import pathlib
import re
import shutil
import subprocess
import unittest

SOURCE = pathlib.Path(os.environ["GORDIAN_SOURCE"])
GORDIAN = pathlib.Path(os.environ["GORDIAN_BUILD"]) / "bin" / "gordian"
DOCUMENTS = [SOURCE / "README.md", SOURCE / "CONTRIBUTING.md", *sorted((SOURCE / "docs").glob("*.md"))]

SHELL_BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
LONG_OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")


def commands(text):
    """The commands of the shell blocks, without comments and without the variables set for them."""
    for block in SHELL_BLOCK.findall(text):
        for line in block.replace("\\\n", " ").splitlines():
            words = line.split("#")[0].split()
            while words and re.fullmatch(r"\w+=.*", words[0]):
                words.pop(0)
            if words:
                yield words


def help_options(subcommand):
    text = subprocess.run([str(GORDIAN), subcommand, "--help"], check=True, capture_output=True, text=True).stdout
    return set(LONG_OPTION.findall(text)) - {"--help"}


def section(text, heading):
    match = re.search(rf"^## {re.escape(heading)}.*?$(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    return match.group(1) if match else ""


def anchors(path):
    headings = re.findall(r"^#+ (.*)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def essence(report):
    """A report without what differs from run to run (thread and process ids, times), where the sources were when it was
    compiled, what the next build of Debian's Python moves, and the line breaks."""
    text = re.sub(r"\b(thread|pid|parent) \d+", r"\1 N", " ".join(report.split()))
    text = re.sub(r"/\S+/(?=samples/)", "", text)
    text = re.sub(r"\b[\d.]+ m?s\b", "N ms", text)
    text = re.sub(r"Coverage: 1 place waits for a futex.*? (?=gordian: )", "", text)  # std::barrier had to wait
    if "python3.11+0x" in text:
        text = re.sub(r"(?<=python3.11\+0x)[0-9a-f]+|(?<=Fingerprint )[0-9a-f]+|(?<= @)[0-9a-f]{16}", "N", text)
    return text


class DocsTest(unittest.TestCase):
    def test_links_resolve(self):
        for document in DOCUMENTS:
            for link in LINK.findall(document.read_text()):
                if "://" in link:
                    continue
                with self.subTest(f"{document.name}: {link}"):
                    name, _, anchor = link.partition("#")
                    target = (document.parent / name).resolve() if name else document
                    self.assertTrue(target.exists())
                    if anchor:
                        self.assertIn(anchor, anchors(target))

    def test_commands_exist(self):
        seen = set()
        for document in DOCUMENTS:
            for words in commands(document.read_text()):
                with self.subTest(f"{document.name}: {' '.join(words)}"):
                    program = words[0]
                    seen.add(program)
                    if program == "gordian" or program.endswith("/bin/gordian"):
                        self.check_gordian(words)
                    elif program.startswith("scripts/"):
                        self.assertTrue(os.access(SOURCE / program, os.X_OK))
                    elif not program.startswith("./"):  # the reader's own program
                        self.assertIsNotNone(shutil.which(program))
        self.assertLessEqual({"scripts/demo", "scripts/test", "gordian"}, seen)

    def check_gordian(self, words):
        own = words[1:words.index("--")] if "--" in words else words[1:]
        self.assertIn(own[0], ("run", "report", "check", "baseline", "diff", "confirm", "hunt", "attach", "core", "ps", "doctor", "explain"))
        options = {option for option in LONG_OPTION.findall(" ".join(own))}
        self.assertLessEqual(options, help_options(own[0]))

    def test_every_option_is_documented_and_none_else(self):
        text = (SOURCE / "docs" / "cli.md").read_text()
        run_section = section(text, "`gordian run")
        rows = [line.split(" | ")[0] for line in run_section.splitlines() if line.startswith("| `-")]
        self.assertEqual(set(LONG_OPTION.findall("\n".join(rows))), help_options("run"))
        report_section = section(text, "`gordian report")
        self.assertLessEqual(help_options("report"), set(LONG_OPTION.findall(report_section)) | {"--quiet", "--verbose"})

        attach_section = section(text, "`gordian attach")
        self.assertEqual(set(LONG_OPTION.findall(attach_section)), help_options("attach") - help_options("report"))

        for subcommand in ("confirm", "hunt"):
            rows = section(text, f"`gordian {subcommand}")
            others = {"--avoid", "--out", "--json"}  # options of `gordian run` and of reports that the text speaks of
            own = help_options(subcommand) - help_options("report") - others
            self.assertEqual(set(LONG_OPTION.findall(rows)) - others, own)

    def test_samples_and_scripts_that_are_named_exist(self):
        for document in DOCUMENTS:
            for name in re.findall(r"\b((?:samples|scripts|tests|docs|libsync|preload|reports|cli)/[\w./-]*\w)",
                                   document.read_text()):
                with self.subTest(f"{document.name}: {name}"):
                    exists = (SOURCE / name).exists() or any(
                        (SOURCE / (name + suffix)).exists() for suffix in (".cc", ".c", ".py"))
                    self.assertTrue(exists)

    @unittest.skipIf("clang" in os.environ.get("CXX", ""), "another compiler's code stands at other addresses: both "
                     "sides of the cycle may come in the other order")
    @unittest.skipIf("clang" in os.environ.get("CXX", ""), "another compiler's code stands at other addresses: both "
                     "sides of the cycle may come in the other order")
    def test_the_reports_of_the_readme_are_what_comes(self):
        shown = re.findall(r"^\$ gordian (run [^\n]*)\n(.*?)^```", (SOURCE / "README.md").read_text(),
                           re.MULTILINE | re.DOTALL)
        self.assertEqual(len(shown), 3)
        for command, report in shown:
            with self.subTest(command):
                words = [str(GORDIAN.parent.parent / "samples" / pathlib.Path(word).name)
                         if word.startswith("build/release/samples/") else word for word in command.split()]
                done = subprocess.run([str(GORDIAN), *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                      stderr=subprocess.STDOUT, text=True, check=False, timeout=60, cwd=SOURCE)
                self.assertEqual(essence(done.stdout), essence(report))

    def test_the_rules_are_what_gordian_explains(self):
        made = subprocess.run([str(GORDIAN), "explain", "--markdown"], check=True, capture_output=True, text=True).stdout
        self.assertEqual((SOURCE / "docs" / "rules.md").read_text(), made, "gordian explain --markdown > docs/rules.md")
        self.assertIn("## lock-order-cycle\n", made)


if __name__ == "__main__":
    unittest.main()
