"""`gordian core`: processes that are over, explained by their core files."""
import json
import os
import pathlib
import resource
import shutil
import signal
import subprocess
import tempfile
import unittest

from cli.attach_case import FUTEX, AttachCase, check_report, children, functions, lines, look, queues, tasks, until, verdicts
from cli.gordian_case import SOURCE, rules

CLOCK_NANOSLEEP = 230  # x86-64


class CoreCase(AttachCase):
    def dump(self, pid):
        """A core of a process that runs, as a debugger writes it."""
        path = self.folder / "core"
        # It reads startup files, and symbols that it does not need, unless told not to.
        subprocess.run(["gdb", "--nx", "--batch", "-iex", "set debuginfod enabled off", "-iex", "set auto-load no",
                        "-iex", "set auto-solib-add off", "-p", str(pid), "-ex", f"generate-core-file {path}", "-ex", "detach"],
                       check=True, stdin=subprocess.DEVNULL, capture_output=True, timeout=120)
        return path

    def core(self, *arguments):
        """Runs `gordian core --json`; returns the result and the report, None where there is none."""
        path = self.folder / "core.json"
        path.unlink(missing_ok=True)
        result = self.gordian("core", "--json", path, *arguments)
        if not path.exists() or not path.stat().st_size:
            return result, None
        report = json.loads(path.read_text())
        check_report(self, report)
        return result, report


class DeadlockTest(CoreCase):
    def hung(self, name, calls, queued):
        process = self.run_alone(self.sample(name))
        self.comes_to_rest(process.pid, calls, queued)
        return process

    def test_two_locks(self):
        process = self.hung("deadlock", [FUTEX] * 3, 2)
        result, report = self.core(self.dump(process.pid))
        self.assertEqual(result.returncode, 66, result.stderr)
        [finding] = report["findings"]
        self.assertEqual((finding["rule"], finding["confidence"]), ("deadlock", "confirmed"))
        self.assertEqual({lock["name"] for lock in finding["locks"]}, {"orders_mutex", "stock_mutex"})
        self.assertEqual({thread["tid"] for thread in finding["threads"]}, set(tasks(process.pid)))
        self.assertEqual(verdicts(report, process.pid), ["deadlock"] * 3)
        code = (SOURCE / "samples" / "deadlock.cc").read_text().splitlines()
        places = {code[lines(thread["waits"]["stack"], "deadlock.cc")[0] - 1].strip() for thread in finding["threads"]
                  if thread["waits"]["kind"] == "lock"}
        self.assertEqual(places, {"std::lock_guard<std::mutex> stock(stock_mutex);",
                                  "std::lock_guard<std::mutex> orders(orders_mutex);"})
        # It lives on: the debugger let it go.
        self.assertIn("how it stood when its core was written", " ".join(result.stdout.split()))
        self.assertNotIn("process ended", result.stdout)
        self.assertEqual(report["run"]["status"], "running")
        for thread in report["snapshot"][0]["threads"]:
            self.assertIn("clone3" if thread["tid"] != process.pid else "_start", functions(thread["stack"]))
            # All registers are known: no frame had to be searched.
            self.assertFalse(any(frame.get("inexact") for frame in thread["stack"]))

    def test_the_kernel_wrote_it(self):
        """`gordian run --on-deadlock=core` and `kill -ABRT` leave such a core where the machine writes them to files."""
        if pathlib.Path("/proc/sys/kernel/core_pattern").read_text().strip() != "core":
            self.skipTest("this machine does not write cores beside the program")
        process = self.run_alone(self.sample("deadlock_three"), cwd=self.folder, preexec_fn=lambda: resource.setrlimit(
            resource.RLIMIT_CORE, (resource.getrlimit(resource.RLIMIT_CORE)[1],) * 2))
        self.comes_to_rest(process.pid, [FUTEX] * 4, 3)
        process.send_signal(signal.SIGABRT)
        process.wait()
        [core] = [path for path in self.folder.iterdir() if path.name.startswith("core")]
        result, report = self.core(core)
        self.assertEqual((result.returncode, rules(report)), (66, ["deadlock"]), result.stderr)
        self.assertEqual(report["run"]["status"], "killed by SIGABRT")
        self.assertEqual(verdicts(report, process.pid), ["deadlock"] * 4)

    def test_joins_streams_and_what_else_has_an_owner(self):
        for sample, calls, queued, rule in (("deadlock_join", [FUTEX] * 2, 1, "deadlock"),
                                            ("self_deadlock", [FUTEX], 1, "self-deadlock"),
                                            ("abandoned_lock", [FUTEX], 1, "abandoned-lock")):
            with self.subTest(sample):
                process = self.hung(sample, calls, queued)
                result, report = self.core(self.dump(process.pid))
                self.assertEqual((result.returncode, rules(report)), (66, [rule]), result.stderr)

    def test_what_only_a_signal_could_have_ended(self):
        """The core does not tell which signals have handlers."""
        process = self.run_alone(self.compile("alone.c", """
            #include <semaphore.h>
            int main(void) { sem_t s; sem_init(&s, 0, 0); sem_wait(&s); }
            """))
        self.comes_to_rest(process.pid, [FUTEX])
        result, report = self.core(self.dump(process.pid))
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual([(finding["rule"], finding["level"]) for finding in report["findings"]], [("deadlock", "warning")])

    @unittest.skipUnless(os.geteuid() == 0 and shutil.which("unshare"), "needs root for namespaces")
    def test_of_a_pid_namespace(self):
        """The debugger outside writes other thread numbers than the C library has."""
        outer = self.run_alone("unshare", "--pid", "--mount-proc", "--fork", self.sample("deadlock"))
        [pid] = until(lambda: children(outer.pid))
        until(lambda: [queues(pid, tid) for tid in tasks(pid)[1:]] == [True] * 2)
        result, report = self.core(self.dump(pid))
        self.assertEqual((result.returncode, rules(report)), (66, ["deadlock"]), result.stderr)


class SilentTest(CoreCase):
    def test_a_sleeper_and_a_runner(self):
        program = self.compile("mixed.c", """
            #include <pthread.h>
            #include <unistd.h>
            void* Spin(void* unused) { for (volatile int i = 0;; ++i) {} return unused; }
            int main(void) { pthread_t t; pthread_create(&t, 0, Spin, 0); sleep(1000); }
            """)
        process = self.run_alone(program)
        until(lambda: len(tasks(process.pid)) == 2 and look(process.pid, process.pid) == ("S", CLOCK_NANOSLEEP))
        result, report = self.core(self.dump(process.pid))
        self.assertEqual((result.returncode, rules(report)), (0, []), result.stderr)
        main, spin = sorted(report["snapshot"][0]["threads"], key=lambda thread: thread["tid"])
        self.assertEqual((main["what"], spin["what"]), ("sleeps", "runs"))
        self.assertIn("Spin", functions(spin["stack"]))


class FilesTest(CoreCase):
    made = None  # one core for all: its bytes, and where its program was

    def setUp(self):
        super().setUp()
        if FilesTest.made is None:
            folder = pathlib.Path(tempfile.mkdtemp(prefix="gordian-core-"))
            self.addClassCleanup(shutil.rmtree, folder)
            program = shutil.copy(self.sample("deadlock"), folder / "program")
            process = self.run_alone(program)
            self.comes_to_rest(process.pid, [FUTEX] * 3, 2)
            FilesTest.made = self.dump(process.pid).read_bytes(), program
        whole, program = FilesTest.made
        self.program = pathlib.Path(program)
        if not self.program.exists():
            shutil.copy(self.sample("deadlock"), program)
        self.path = self.folder / "core"
        self.path.write_bytes(whole)

    def fails(self, *arguments):
        result, report = self.core(*arguments)
        self.assertEqual((result.returncode, report), (3, None), result.stdout)
        self.assertEqual(len(result.stderr.splitlines()), 1, result.stderr)
        return result.stderr

    def test_the_program_lies_elsewhere(self):
        moved = self.program.rename(self.folder / "moved")
        text = self.fails(self.path)
        self.assertIn(f"{self.program} cannot be opened", text)
        self.assertIn("--exe", text)
        result, report = self.core(self.path, "--exe", moved)
        self.assertEqual((result.returncode, rules(report)), (66, ["deadlock"]))
        self.assertEqual({lock["name"] for lock in report["findings"][0]["locks"]}, {"orders_mutex", "stock_mutex"})

    def test_another_build_of_the_program(self):
        self.assertIn("is another build", self.fails(self.path, "--exe", self.sample("deadlock_three")))

    def test_a_folder_with_the_files_of_that_machine(self):
        root = self.folder / "root"
        needed = [word for line in subprocess.run(["ldd", self.program], check=True, capture_output=True,
                                                  text=True).stdout.splitlines()
                  for word in line.split() if word.startswith("/")]
        for file in [*needed, self.program]:
            real = pathlib.Path(os.path.realpath(file))
            copy = root / str(real).lstrip("/")
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(real, copy)
        self.program.unlink()
        result, report = self.core(self.path, "--sysroot", root)
        self.assertEqual((result.returncode, rules(report)), (66, ["deadlock"]), result.stderr)
        self.assertEqual(report["coverage"]["unseen"], [])
        # Without its libraries the waits cannot be told: that is said, and nothing is guessed.
        shutil.rmtree(root)
        result, report = self.core(self.path, "--sysroot", root, "--exe", self.sample("deadlock"))
        self.assertTrue(any("libc.so.6" in text for text in report["coverage"]["unseen"]), report["coverage"])

    def test_cut_off(self):
        whole = self.path.read_bytes()
        # Behind the memory a debugger writes a table that nobody needs.
        count, first = int.from_bytes(whole[56:58], "little"), int.from_bytes(whole[32:40], "little")
        end = max(sum(int.from_bytes(whole[at:at + 8], "little") for at in (header + 8, header + 32))
                  for header in range(first, first + count * 56, 56))
        for size in (end - 1, len(whole) // 2, 4096, 80, 20):
            with self.subTest(size):
                self.path.write_bytes(whole[:size])
                self.assertIn("is cut off", self.fails(self.path))

    def test_another_architecture(self):
        whole = bytearray(self.path.read_bytes())
        whole[18:20] = (183).to_bytes(2, "little")  # EM_AARCH64
        self.path.write_bytes(whole)
        self.assertIn("AArch64", self.fails(self.path))
        whole[18:20] = (3).to_bytes(2, "little")  # EM_386
        whole[4] = 1
        self.path.write_bytes(whole)
        self.assertIn("32-bit", self.fails(self.path))

    def test_damaged_notes_and_headers(self):
        """Whatever stands there, gordian ends by itself and says so."""
        whole = self.path.read_bytes()
        offset = int.from_bytes(whole[32:40], "little")
        notes = int.from_bytes(whole[offset + 8:offset + 16], "little")
        for at in [*range(32, 64, 8), *range(offset, offset + 112, 16), *range(notes, notes + 1024, 128)]:
            damaged = bytearray(whole)
            damaged[at:at + 8] = b"\xff" * 8
            self.path.write_bytes(damaged)
            result = self.gordian("core", self.path)
            self.assertIn(result.returncode, (0, 3, 66), (at, result.stderr))


class BadInputTest(CoreCase):
    def fails(self, path):
        result = self.gordian("core", path)
        self.assertEqual(result.returncode, 3, result.stdout)
        return result.stderr

    def test_no_core(self):
        text = self.folder / "text"
        text.write_text("core\n")
        self.assertIn("is no core file", self.fails(text))
        text.write_bytes(b"")
        self.assertIn("is no core file", self.fails(text))
        self.assertIn("is an ELF file, but no core", self.fails(self.sample("deadlock")))
        self.assertIn("No such file", self.fails(self.folder / "nothing"))
        self.assertIn("not a regular file", self.fails(self.folder))
        text.write_bytes(b"\x28\xb5\x2f\xfd" + bytes(100))
        self.assertIn("zstd -d", self.fails(text))

    def test_called_wrongly(self):
        self.assertEqual(self.gordian("core").returncode, 2)
        self.assertEqual(self.gordian("core", "a", "b").returncode, 2)
        self.assertEqual(self.gordian("core", "a", "--", "true").returncode, 2)


if __name__ == "__main__":
    unittest.main()
