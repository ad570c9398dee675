"""Programs into which the shim cannot get run untouched, and the coverage names them."""
import json
import os
import shutil
import subprocess
import unittest

from gordian_case import GORDIAN, PATIENCE, GordianCase

HELLO = """
    #include <stdio.h>
    #include <unistd.h>
    int main(int argc, char** argv) {
      puts("hello");
      fflush(stdout);
      if (argc > 1) usleep(600000);
      return 0;
    }
"""


class CoverageTest(GordianCase):
    def unseen(self, *command, code=0, **options):
        """Runs a command; returns its stdout and the coverage's sentences in one string."""
        result, report = self.run_json("-q", "--", *command, **options)
        self.assertEqual(result.returncode, code, result.stderr)
        return result.stdout, " | ".join(report["coverage"]["unseen"])

    def test_nothing_to_tell_of_ordinary_programs(self):
        for command in (["true"], ["sh", "-c", "true; (true); true | cat"], ["/usr/bin/python3", "-c", "pass"]):
            with self.subTest(command=command):
                self.assertEqual(self.unseen(*command), ("", ""))

    def each_way(self, program, reason):
        """As CMD, as a child that is gone at once, and as one that lives on for a while."""
        for command in ([program], ["sh", "-c", f"{program}; true"], ["sh", "-c", f"{program} wait; true"]):
            with self.subTest(command=command):
                out, unseen = self.unseen(*command)
                self.assertEqual(out, "hello\n")
                self.assertIn(reason, unseen)
                self.assertIn(os.path.basename(program), unseen)

    def test_static(self):
        self.each_way(self.compile("hello.c", HELLO, "-static"), "statically linked")

    def test_musl(self):
        self.each_way(self.compile("hello.c", HELLO, compiler="musl-gcc"), "musl")

    def test_32_bit(self):
        # Without a C library for it: system calls alone.
        program = self.compile("tiny.c", """
            static long Call(long number, long a, long b, long c) {
              long result;
              asm volatile("int $0x80" : "=a"(result) : "a"(number), "b"(a), "c"(b), "d"(c) : "memory");
              return result;
            }
            void _start(void) {
              Call(4, 1, (long)"hello\\n", 6);
              Call(1, 0, 0, 0);
            }
        """, "-m32", "-nostdlib", "-fno-pie", "-no-pie", "-fno-stack-protector")
        for command in ([program], ["sh", "-c", f"{program}; true"]):
            with self.subTest(command=command):
                out, unseen = self.unseen(*command)
                self.assertEqual(out, "hello\n")
                self.assertTrue("32-bit" in unseen or "static" in unseen, unseen)

    def test_setuid_to_somebody_else(self):
        program = self.compile("hello.c", HELLO)
        os.chown(program, 1234, 1234)
        os.chmod(program, 0o4755)
        os.chmod(self.folder, 0o755)
        # A shim that is refused leaves a line of the dynamic linker's; gordian leaves the entry out itself.
        result, report = self.run_json("-q", "--", program)
        self.assertEqual((result.returncode, result.stdout, result.stderr.count("ERROR")), (0, "hello\n", 0))
        self.assertIn("setuid", " ".join(report["coverage"]["unseen"]))

    def test_an_emptied_environment(self):
        for command in (["env", "-i", "/bin/sh", "-c", "exit 0"], ["sh", "-c", "env -i sleep 0.6; true"],
                        ["sh", "-c", "env -u LD_PRELOAD true; true"]):
            with self.subTest(command=command):
                _, unseen = self.unseen(*command)
                self.assertIn("LD_PRELOAD was removed", unseen)

    def test_ended_by_a_signal_before_it_began(self):
        program = self.compile("early.c", """
            #include <signal.h>
            #include <sys/ptrace.h>
            #include <sys/wait.h>
            #include <unistd.h>
            int main(void) {
              int status;
              const pid_t child = fork();
              if (child == 0) {
                ptrace(PTRACE_TRACEME, 0, 0, 0);
                execl("/bin/true", "true", (char*)0);
                _exit(1);
              }
              waitpid(child, &status, 0);  /* it stops at its new image's first instruction */
              kill(child, SIGKILL);
              return waitpid(child, &status, 0) != child || !WIFSIGNALED(status);
            }
        """)
        _, unseen = self.unseen(program)
        self.assertIn("SIGKILL may have ended it before it began", unseen)

    def test_seen_only_before_it_became_another_program(self):
        hello = self.compile("hello.c", HELLO, "-static")
        program = self.compile("slow.c", r"""
            #include <sys/wait.h>
            #include <unistd.h>
            int main(int argc, char** argv) {
              const pid_t child = fork();
              if (child == 0) {
                usleep(1500000);  /* long enough for many looks */
                _exit(execl(argv[argc - 1], argv[argc - 1], (char*)0));
              }
              return waitpid(child, 0, 0) != child;
            }
            """)
        _, unseen = self.unseen(program, hello)
        self.assertIn(os.path.basename(hello), unseen)
        self.assertNotIn(os.path.basename(program), unseen)

    @unittest.skipUnless(os.geteuid() == 0, "needs root to choose a process's number")
    def test_a_number_that_came_back(self):
        """Of two processes with one number the first, a static program, is named, and the second is not."""
        hello = self.compile("hello.c", HELLO, "-static")
        program = self.compile("again.c", r"""
            #include <linux/sched.h>
            #include <signal.h>
            #include <sys/syscall.h>
            #include <sys/wait.h>
            #include <time.h>
            #include <unistd.h>
            int main(int argc, char** argv) {
              struct timespec a_second = {.tv_sec = 1};
              pid_t first = vfork();
              if (first == 0) _exit(execl(argv[argc - 1], argv[argc - 1], (char*)0));
              waitpid(first, 0, 0);
              nanosleep(&a_second, 0);
              pid_t other = fork();
              if (other != 0) return waitpid(other, 0, 0) != other;
              struct clone_args arguments = {.exit_signal = SIGCHLD, .set_tid = (unsigned long)&first, .set_tid_size = 1};
              long second = syscall(SYS_clone3, &arguments, sizeof(arguments));
              if (second < 0) return 2;
              if (second == 0) {
                syscall(SYS_nanosleep, &a_second, 0);
                syscall(SYS_exit_group, 0);
              }
              return waitpid(second, 0, 0) != second;
            }
            """)
        _, unseen = self.unseen(program, hello)
        self.assertIn("statically linked", unseen)
        self.assertIn(os.path.basename(hello), unseen)
        self.assertNotIn(os.path.basename(program), unseen)

    def test_left_out_on_purpose(self):
        for options, command, reason in (
                (["--skip", "sleep"], ["sh", "-c", "sleep 0.6; true"], "--skip"),
                (["--only", "sh", "--only", "da*"], ["sh", "-c", "sleep 0.6; true"], "--only"),
                (["--no-children"], ["sh", "-c", "sleep 0.6; true"], "--no-children")):
            with self.subTest(options=options):
                result, report = self.run_json("-q", *options, "--", *command)
                self.assertEqual(result.returncode, 0, result.stderr)
                unseen = " ".join(report["coverage"]["unseen"])
                self.assertIn(reason, unseen)
                self.assertIn("sleep", unseen)
                self.assertNotIn("sh,", unseen)

    def test_a_run_inside_a_run(self):
        inner = [GORDIAN, "run", "--json", self.folder / "inner.json", "--", self.sample("abba")]
        result, report = self.run_json("--", *inner)
        self.assertEqual(result.returncode, 66)
        self.assertEqual(result.stderr.count("this runs inside another gordian"), 1)
        self.assertEqual(report["findings"], [])
        self.assertIn("another gordian started it, which has a report of its own", " ".join(report["coverage"]["unseen"]))
        findings = json.loads((self.folder / "inner.json").read_text())["findings"]
        self.assertEqual([finding["rule"] for finding in findings], ["lock-order-cycle"])

    @unittest.skipUnless(os.geteuid() == 0, "mounting needs root; scripts/test runs as root")
    def test_without_proc(self):
        for command, code in ((["run", "--", "touch", "started"], 125), (["attach", "1"], 3), (["ps"], 3),
                              (["hunt", "--", "touch", "started"], 125), (["doctor"], 0)):
            with self.subTest(command=command):
                result = subprocess.run(["unshare", "-m", "sh", "-c", 'mount -t tmpfs none /proc; exec "$@"', "sh", GORDIAN,
                                         *command], capture_output=True, text=True, timeout=PATIENCE, cwd=self.folder)
                self.assertEqual(result.returncode, code, result.stderr)
                self.assertIn("there is no /proc here", result.stdout + result.stderr)
                self.assertIn("mount -t proc proc /proc", result.stdout + result.stderr)
        self.assertFalse((self.folder / "started").exists())

    def test_a_skipped_program_gives_no_findings(self):
        abba = self.sample("abba")
        self.assertEqual(self.gordian("run", "-q", "--skip", "abba", "--", abba).returncode, 0)
        self.assertEqual(self.gordian("run", "-q", "--no-children", "--", "sh", "-c", f"{abba}; true").returncode, 0)
        self.assertEqual(self.gordian("run", "-q", "--only", "ab*", "--", "sh", "-c", f"{abba}; true").returncode, 66)

    @unittest.skipUnless(os.geteuid() == 0, "changing the user needs root; scripts/test runs as root")
    def test_a_program_that_drops_its_user_is_still_seen(self):
        os.chmod(self.folder, 0o755)
        program = shutil.copy(self.sample("abba"), self.folder)
        result, report = self.run_json(
            "-q", "--", "setpriv", "--reuid", "1234", "--regid", "1234", "--clear-groups", program)
        self.assertIn("lock-order-cycle", [finding["rule"] for finding in report["findings"]], result.stderr)
        self.assertEqual(result.returncode, 66)
        self.assertEqual(report["coverage"]["unseen"], [])

    @unittest.skipUnless(os.geteuid() == 0, "changing the user needs root; scripts/test runs as root")
    def test_a_kept_run_has_the_images_before_and_after_it_changed_its_user(self):
        os.chmod(self.folder, 0o755)
        program = shutil.copy(self.sample("abba"), self.folder)
        kept = self.folder / "kept"
        self.gordian("run", "-q", "--out", kept, "--", "sh", "-c",
                     f"echo; exec setpriv --reuid 1234 --regid 1234 --clear-groups {program}")
        self.assertEqual(len(list(kept.glob("*.trace"))), 3)

    @unittest.skipUnless(os.geteuid() == 0, "a pid namespace needs root; scripts/test runs as root")
    def test_another_pid_namespace_is_seen(self):
        below = ["unshare", "--pid", "--fork", "--mount-proc"]
        _, report = self.run_json("-q", "--", *below, self.sample("abba"))
        self.assertIn("lock-order-cycle", [finding["rule"] for finding in report["findings"]])
        self.assertEqual(report["coverage"]["unseen"], [])
        result, report = self.run_json("-q", "--on-deadlock=kill-tree", "--", *below, self.sample("deadlock"))
        self.assertEqual(result.returncode, 66)
        self.assertIn("deadlock", [finding["rule"] for finding in report["findings"]])

    def test_a_damaged_trace_is_named_and_the_others_are_judged(self):
        _, report = self.run_json("-q", "--", "sh", "-c",
                                  'run=${GORDIAN_OPTIONS#run=}; echo junk > "${run%%:*}/junk.trace"; ' + self.sample("abba"))
        self.assertIn("junk.trace", " ".join(report["coverage"]["unseen"]))
        self.assertIn("lock-order-cycle", [finding["rule"] for finding in report["findings"]])

    def test_a_missing_shim_is_125(self):
        (self.folder / "bin").mkdir()
        copy = shutil.copy(os.environ["GORDIAN_BUILD"] + "/bin/gordian", self.folder / "bin")
        result = subprocess.run([copy, "run", "--", "true"], capture_output=True, text=True, timeout=PATIENCE,
                                env=self.environment())
        self.assertEqual(result.returncode, 125)
        self.assertRegex(result.stderr, r"\Agordian: the shim libgordian_preload.so is missing[^\n]*\n\Z")

    def test_a_moved_build_and_an_installed_one_work(self):
        for library in ("lib", "lib/x86_64-linux-gnu"):
            with self.subTest(library):
                prefix = self.folder / library.replace("/", "_")
                (prefix / "bin").mkdir(parents=True)
                (prefix / library).mkdir(parents=True)
                build = os.environ["GORDIAN_BUILD"]
                gordian = shutil.copy(build + "/bin/gordian", prefix / "bin")
                shim = shutil.copy(build + "/lib/libgordian_preload.so", prefix / library)
                result = subprocess.run([gordian, "run", "-q", "--", "sh", "-c", "echo $LD_PRELOAD"], text=True,
                                        capture_output=True, timeout=PATIENCE, env=self.environment())
                self.assertEqual((result.returncode, result.stdout), (0, f"{shim}\n"), result.stderr)
                command = [gordian, "run", "-q", "--check-free", "--", "sh", "-c", "echo $LD_PRELOAD; echo $GORDIAN_OPTIONS"]
                result = subprocess.run(command, text=True, capture_output=True, timeout=PATIENCE,
                                        env=self.environment())
                self.assertEqual(result.returncode, 125)
                self.assertRegex(result.stderr, r"\Agordian: --check-free needs [^\n]*libgordian_check_free.so")
                second = shutil.copy(build + "/lib/libgordian_check_free.so", prefix / library)
                result = subprocess.run(command, text=True, capture_output=True, timeout=PATIENCE,
                                        env=self.environment())
                preload, options = result.stdout.splitlines()
                self.assertEqual((result.returncode, preload), (0, f"{shim}:{second}"), result.stderr)
                self.assertIn(":check_free=1", options)

    def test_a_program_with_the_dynamic_address_sanitizer_starts(self):
        program = self.compile("asan.c", "int main(void) { return 3; }\n", "-fsanitize=address")
        result = self.gordian("run", "-q", "--", program)
        self.assertEqual(result.returncode, 3, result.stderr)
        self.assertNotIn("ASan runtime does not come first", result.stderr)


if __name__ == "__main__":
    unittest.main()
