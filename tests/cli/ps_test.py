"""`gordian ps` and `gordian doctor`: the process table, and what will be seen of a program."""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import unittest

from cli.attach_case import FUTEX, AttachCase, check_report, children, state, until
from cli.gordian_case import GORDIAN, read_line


class PsTest(AttachCase):
    def zombies_of(self, pid):
        path = self.folder / "ps.json"
        result = self.gordian("ps", "--zombies", "--grace-ms", 100, "--json", path)
        report = json.loads(path.read_text())
        return result, [finding for finding in report["findings"]
                        if any(process["ppid"] == pid for process in finding["processes"])]

    def test_zombies_by_their_parent(self):
        program = self.compile("careless.c", r"""
            #include <unistd.h>
            int main(void) {
              for (int i = 0; i < 3; ++i) if (fork() == 0) _exit(0);
              for (;;) pause();
            }
            """)
        parent = self.run_alone(program)
        until(lambda: [state(child) for child in children(parent.pid)] == ["Z"] * 3)
        result, [finding] = self.zombies_of(parent.pid)
        self.assertEqual(result.returncode, 66)
        self.assertEqual((finding["rule"], finding["count"]), ("child-zombie", 3))
        self.assertIn(f"careless (pid {parent.pid}) has not waited for 3 children", finding["title"])
        self.assertIn("the main thread is in pause()", finding["explanation"])

    def test_a_parent_that_waits_has_none(self):
        program = self.compile("careful.c", r"""
            #include <sys/wait.h>
            #include <unistd.h>
            int main(void) {
              for (;;) if (fork() == 0) _exit(0); else wait(0);
            }
            """)
        parent = self.run_alone(program)
        self.assertEqual(self.zombies_of(parent.pid)[1], [])

    @unittest.skipUnless(os.geteuid() == 0 and shutil.which("unshare"), "needs root for a process table of its own")
    def test_orphans_of_a_process_1(self):
        """What outlives its session is told; a daemon, which has a session of its own, is not."""
        path = self.folder / "ps.json"
        script = self.folder / "init.sh"
        script.write_text(f"setsid sh -c 'sleep 1001 & :'\nsetsid -f sleep 1002\n"
                          f"{GORDIAN} ps --orphans --grace-ms 100 --json {path}\n")
        process = self.run_alone("unshare", "--pid", "--mount-proc", "--fork", "--kill-child", "sh", script)
        process.wait(timeout=60)
        report = json.loads(path.read_text())
        check_report(self, report)
        commands = [[part["command"] for part in finding["processes"]] for finding in report["findings"]]
        self.assertEqual(commands, [["sleep 1001"]])
        [finding] = report["findings"]
        self.assertEqual((finding["rule"], finding["level"]), ("child-orphan", "warning"))
        self.assertIn("outlived the one who started it", finding["title"])
        self.assertIn("the main thread is in nanosleep()", finding["explanation"])

    def test_stuck_where_no_signal_reaches_it(self):
        """A parent sleeps so while its vfork child runs."""
        program = self.compile("stuck.c", r"""
            #include <unistd.h>
            int main(void) { if (vfork() == 0) for (;;) pause(); }
            """)
        process = self.run_alone(program)
        until(lambda: state(process.pid) == "D")
        path = self.folder / "ps.json"
        result = self.gordian("ps", "--stuck", "--grace-ms", 100, "--json", path)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertRegex(result.stdout, rf"STUCK +stuck \(pid {process.pid}\): sleeps where no signal reaches it")
        report = json.loads(path.read_text())
        check_report(self, report)
        [stuck] = [entry for entry in report["snapshot"] if entry["pid"] == process.pid]
        self.assertIn("is in vfork()", stuck["threads"][0]["what"])
        self.assertNotIn("STUCK", self.gordian("ps", "--zombies", "--grace-ms", 100).stdout)

    def test_watching(self):
        """It tells at once, and again when something has changed, until it is broken off."""
        program = self.compile("zombie.c", r"""
            #include <unistd.h>
            int main(void) { if (fork() == 0) _exit(0); for (;;) pause(); }
            """)
        gordian = self.start("ps", "--watch", "--zombies", "--grace-ms", 50, "-v")
        parent = self.run_alone(program)
        title = f"zombie (pid {parent.pid}) has not waited for a child that ended"
        while title not in (line := read_line(gordian.stdout)):
            self.assertTrue(line, "it ended")
        parent.kill()
        parent.wait()
        while not (line := read_line(gordian.stdout)).startswith("gordian:"):
            self.assertTrue(line, "it ended")
        gordian.send_signal(signal.SIGINT)
        gordian.wait()
        self.assertEqual(gordian.returncode, -signal.SIGINT)

    def test_a_command_is_a_mistake(self):
        self.assertEqual(self.gordian("ps", "--", "true").returncode, 2)


class DoctorTest(AttachCase):
    def test_of_a_program_without_and_with_debug_information(self):
        result = self.gordian("doctor", "--", "true")
        self.assertEqual(result.returncode, 0)
        self.assertIn("can be recorded", result.stdout)
        self.assertIn("has no debug information", result.stdout)
        program = self.compile("own.c", "int main(void) { return 0; }")
        self.assertNotIn("has no debug information", self.gordian("doctor", "--", program).stdout)

    def test_of_a_static_program(self):
        program = self.compile("static.c", "int main(void) { return 0; }", "-static")
        self.assertIn("cannot be recorded: it is statically linked", self.gordian("doctor", "--", program).stdout)

    def doctor(self, name, source, *flags):
        return " ".join(self.gordian("doctor", "--", self.compile(name, source, *flags)).stdout.split())

    def test_of_go_and_rust(self):
        """By what their compilers leave in every program."""
        text = self.doctor("go.c", """
            __asm__(".section .go.buildinfo,\\"aw\\"; .byte 0xff; .previous");
            int main(void) { return 0; }
            """)
        self.assertIn("it is a Go program", text)
        self.assertIn("kill -QUIT", text)
        text = self.doctor("rust.c", """
            __asm__(".section .comment; .string \\"rustc version 1.95.0\\"; .previous");
            int main(void) { return 0; }
            """)
        self.assertIn("it has Rust code", text)
        self.assertIn("not who holds them", text)
        text = self.doctor("plain.c", "int main(void) { return 0; }")
        self.assertNotIn("Rust", text)
        self.assertNotIn("Go program", text)
        self.assertNotIn("sanitizer", text)

    def test_of_sanitizers(self):
        for flag, name in (("address", "AddressSanitizer"), ("thread", "ThreadSanitizer"),
                           ("undefined", "UndefinedBehaviorSanitizer")):
            with self.subTest(flag):
                text = self.doctor("sanitized.c", "int main(int n, char** v) { (void)v; return 1 << n; }",
                                   f"-fsanitize={flag}")
                self.assertIn(f"it is built with a sanitizer ({name})", text)

    def test_of_other_preloads(self):
        environment = self.environment(LD_PRELOAD="libm.so.6")
        self.assertIn("another library is preloaded: libm.so.6",
                      self.gordian("doctor", "--", "true", env=environment).stdout)

    def test_of_musl_and_of_32_bits(self):
        source = "int main(void) { return 0; }"
        program = self.compile("musl.c", source, compiler="musl-gcc")
        self.assertIn("musl", self.gordian("doctor", "--", program).stdout)
        self.assertIn("32-bit", self.doctor("small.c", source, "-m32"))

    @unittest.skipUnless(os.geteuid() == 0, "needs root to make it somebody else's")
    def test_of_setuid(self):
        program = self.compile("setuid.c", "int main(void) { return 0; }")
        os.chown(program, 65534, 65534)
        os.chmod(program, 0o4755)
        self.assertIn("cannot be recorded: it is setuid", self.gordian("doctor", "--", program).stdout)

    def test_of_a_process_in_a_sandbox_and_of_one_that_is_traced(self):
        program = self.compile("sandbox.c", r"""
            #include <linux/filter.h>
            #include <linux/seccomp.h>
            #include <sys/prctl.h>
            #include <sys/ptrace.h>
            #include <sys/wait.h>
            #include <unistd.h>
            int main(void) {
              struct sock_filter pass = {.code = BPF_RET, .k = SECCOMP_RET_ALLOW};
              struct sock_fprog filter = {.len = 1, .filter = &pass};
              if (fork() == 0) { ptrace(PTRACE_TRACEME); for (;;) pause(); }
              prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
              prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter);
              for (;;) pause();
            }
            """)
        process = self.run_alone(program)
        [traced] = until(lambda: children(process.pid))
        status = lambda pid: pathlib.Path(f"/proc/{pid}/status").read_text()
        until(lambda: "Seccomp:	2" in status(process.pid) and state(process.pid) == "S"
              and f"TracerPid:	{process.pid}" in status(traced) and state(traced) == "S")
        self.assertIn("seccomp filter", self.gordian("doctor", "-p", process.pid).stdout)
        self.assertIn(f"process {process.pid} traces it", self.gordian("doctor", "-p", traced).stdout)

    SANDBOX = r"""
        #include <errno.h>
        #include <linux/filter.h>
        #include <linux/seccomp.h>
        #include <stddef.h>
        #include <sys/prctl.h>
        #include <sys/syscall.h>
        #include <unistd.h>
        /* Forbids process_vm_readv; with "all" also to read a file at a place where only memory has any. */
        int main(int argc, char** argv) {
          struct sock_filter code[] = {
              {BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, nr)},
              {BPF_JMP | BPF_JEQ | BPF_K, 3, 0, SYS_process_vm_readv},
              {BPF_JMP | BPF_JEQ | BPF_K, 0, 3, argv[1][0] == 'a' ? SYS_pread64 : -1},
              {BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, args[3]) + 4},
              {BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 0},
              {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | EPERM},
              {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW},
          };
          struct sock_fprog filter = {sizeof(code) / sizeof(*code), code};
          prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
          if (argc < 3 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0) return 1;
          execv(argv[2], argv + 2);
          return 1;
        }
        """

    def test_in_a_sandbox_itself(self):
        sandbox = self.compile("forbid.c", self.SANDBOX)
        process = self.run_alone(self.sample("deadlock"))
        self.comes_to_rest(process.pid, [FUTEX] * 3, queued=2)

        def inside(what, *arguments):
            return subprocess.run([sandbox, what, GORDIAN, *map(str, arguments)], check=False, stdin=subprocess.DEVNULL,
                                  capture_output=True, text=True, timeout=60)

        self.assertNotIn("a sandbox", inside("call", "doctor").stdout)
        result = inside("call", "attach", process.pid)
        self.assertEqual(result.returncode, 66, result.stderr)
        self.assertIn("waits for mutex stock_mutex, held by", " ".join(result.stdout.split()))
        text = " ".join(inside("all", "doctor").stdout.split())
        self.assertIn("LIMIT a sandbox keeps gordian from reading the memory of processes", text)
        self.assertIn("seccomp=unconfined", text)
        # Without memory nothing of it is guessed.
        result = inside("all", "attach", process.pid)
        self.assertIn("whose owner is not known", " ".join(result.stdout.split()))

    @unittest.skipUnless(os.geteuid() == 0 and shutil.which("setpriv"), "needs root to become somebody else")
    def test_of_a_process_of_somebody_else(self):
        process = self.run_alone("sleep", "1000")
        done = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all",
                               "--bounding-set=-all", GORDIAN, "doctor", "-p", str(process.pid)], cwd="/", check=False,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("may not look into it", done.stdout)
        self.assertIn("docker run", done.stdout)

    def test_of_a_running_process(self):
        process = self.run_alone("sleep", "1000")
        clock_nanosleep = "230"
        until(lambda: pathlib.Path(f"/proc/{process.pid}/syscall").read_text().split()[0] == clock_nanosleep)
        result = self.gordian("doctor", "-p", process.pid)
        self.assertEqual(result.returncode, 0)
        self.assertIn("whose locks can be read", result.stdout)

    def test_of_what_is_not_there(self):
        gone = subprocess.Popen(["true"])
        gone.wait()
        self.assertEqual(self.gordian("doctor", "-p", gone.pid).returncode, 3)
        self.assertEqual(self.gordian("doctor", "--", "no-such-program").returncode, 3)
        self.assertEqual(self.gordian("doctor", "-p", 1, "--", "true").returncode, 2)


if __name__ == "__main__":
    unittest.main()
