"""What is made from the table of options: the shells' completions and the manual pages, and where they are installed."""
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from gordian_case import BUILD, GORDIAN, GordianCase

# Answers for the words given, the last of which is being written, as bash itself would ask.
ASK = """
source <("$0" completion bash)
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_gordian
printf '%s\\n' "${COMPREPLY[@]}"
"""


def options_of(help_text):
    return set(re.findall(r"^  (?:-\w,)?(--[a-z][a-z-]+)", help_text, re.MULTILINE))


class CompletionTest(GordianCase):
    def setUp(self):
        super().setUp()
        whole = self.gordian("--help").stdout
        self.subcommands = re.findall(r"^  ([a-z]+) ", whole.split("Subcommands:")[1], re.MULTILINE)
        self.options = {name: options_of(self.gordian(name, "--help").stdout) - {"--help"} for name in self.subcommands}

    def ask(self, *words):
        return subprocess.run(["bash", "-c", ASK, GORDIAN, "gordian", *words], capture_output=True, text=True, check=True,
                              cwd=self.folder).stdout.split()

    def test_bash_offers_the_commands_and_their_options(self):
        self.assertIn("run", self.subcommands)
        self.assertEqual(self.ask(""), self.subcommands)
        self.assertEqual(self.ask("help", "exp"), ["explain"])
        for name, options in self.options.items():
            self.assertLessEqual(options, set(self.ask(name, "--")), name)

    def test_bash_offers_what_an_option_takes(self):
        pathlib.Path(self.folder, "known.json").touch()
        self.assertEqual(self.ask("run", "--on-deadlock", "kill"), ["kill", "kill-tree"])
        self.assertEqual(self.ask("run", "--on-deadlock", "=", "kill-"), ["kill-tree"])
        self.assertEqual(self.ask("run", "--baseline", "="), ["known.json"])
        pathlib.Path(self.folder, "kept").mkdir()
        self.assertEqual(self.ask("report", "k"), ["kept"])
        self.assertEqual(self.ask("explain", "self-d"), ["self-deadlock"])
        self.assertIn(str(os.getpid()), self.ask("attach", str(os.getpid())))

    def test_bash_offers_programs_behind_the_dashes(self):
        self.assertIn("mkfifo", self.ask("run", "--", "mkfif"))
        self.assertIn("mkfifo", self.ask("run", "mkfif"))

    def test_each_shell_knows_each_option(self):
        for shell in ("bash", "zsh", "fish"):
            script = self.gordian("completion", shell).stdout
            for name, options in self.options.items():
                self.assertIn(name, script)
                for option in options:
                    self.assertRegex(script, f"-l {option[2:]}\\b" if shell == "fish" else f"{option}\\b")
            if shutil.which(shell):
                path = pathlib.Path(self.folder, shell)
                path.write_text(script, encoding="utf-8")
                checked = subprocess.run([shell, "-n", path], capture_output=True, text=True, check=False)
                self.assertEqual((checked.returncode, checked.stderr), (0, ""))

    def test_no_other_shell(self):
        refused = self.gordian("completion", "csh")
        self.assertEqual((refused.returncode, refused.stdout), (2, ""))
        self.assertIn("bash, zsh and fish", refused.stderr)

    def test_each_option_stands_in_the_manual(self):
        for name, options in self.options.items():
            page = self.gordian("manual", name).stdout.replace("\\-", "-")
            for option in options:
                self.assertIn(f"\\fB{option}\\fR", page)
        whole = self.gordian("manual").stdout
        for name in self.subcommands:
            self.assertIn(f"gordian\\-{name} (1)", whole)
        self.assertIn("did you mean run?", self.gordian("manual", "rum").stderr)

    @unittest.skipUnless(shutil.which("groff"), "there is no groff")
    def test_the_manual_is_well_formed(self):
        for name in ([], *([name] for name in self.subcommands)):
            page = self.gordian("manual", *name).stdout
            checked = subprocess.run(["groff", "-man", "-ww", "-z", "-Tutf8"], input=page, capture_output=True, text=True,
                                     check=False)
            self.assertEqual((checked.returncode, checked.stderr), (0, ""), name)

    def test_the_manual_has_the_exit_codes_of_the_documentation(self):
        documentation = pathlib.Path(os.environ["GORDIAN_SOURCE"], "docs/cli.md").read_text(encoding="utf-8")
        table = documentation.split("## Exit codes")[1].split("\n\n## ")[0]
        codes = re.findall(r"^\| ([^|]+) \|", table, re.MULTILINE)[2:]
        manual = self.gordian("manual").stdout.split(".SH EXIT STATUS")[1]
        self.assertEqual(sorted(re.findall(r"^\\fB(.*)\\fR$", manual, re.MULTILINE)), sorted(codes + ["CMD's own"]))

    def test_where_they_are_installed(self):
        with tempfile.TemporaryDirectory() as prefix:
            subprocess.run(["cmake", "--install", BUILD, "--prefix", prefix], check=True, stdout=subprocess.DEVNULL)
            share = pathlib.Path(prefix, "share")
            pages = {page.name for page in share.glob("man/man1/*")}
            self.assertEqual(pages, {"gordian.1"} | {f"gordian-{name}.1" for name in self.subcommands})
            for shell, place in (("bash", "bash-completion/completions/gordian"), ("zsh", "zsh/site-functions/_gordian"),
                                 ("fish", "fish/vendor_completions.d/gordian.fish")):
                self.assertEqual((share / place).read_text(encoding="utf-8"), self.gordian("completion", shell).stdout)


if __name__ == "__main__":
    unittest.main()
