"""`--on-deadlock=kill` ends what hangs, and nothing else: the test runner above it names the test and goes on."""
import shutil
import subprocess
import textwrap
import unittest

from gordian_case import GORDIAN, GordianCase, PATIENCE

# Both threads hold their first mutex before either asks for the second.
HANG = """
#include <pthread.h>
static pthread_mutex_t first = PTHREAD_MUTEX_INITIALIZER, second = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t both;
static void *backward(void *x) {
  pthread_mutex_lock(&second);
  pthread_barrier_wait(&both);
  pthread_mutex_lock(&first);
  return x;
}
int main(void) {
  pthread_t thread;
  pthread_barrier_init(&both, 0, 2);
  pthread_create(&thread, 0, backward, 0);
  pthread_mutex_lock(&first);
  pthread_barrier_wait(&both);
  pthread_mutex_lock(&second);
  return 0;
}
"""
IGNORES_TERM = HANG.replace("#include <pthread.h>", "#include <pthread.h>\n#include <signal.h>") \
    .replace("pthread_t thread;", "pthread_t thread; signal(SIGTERM, SIG_IGN);")
# Two processes in opposite orders; a third waits for a mutex of theirs and is in no ring.
PROCESSES = """
#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
struct Shared { pthread_mutex_t first, second; pthread_barrier_t held; };
static void child(struct Shared *s, int which) {
  if (which == 2) { pthread_barrier_wait(&s->held); pthread_mutex_lock(&s->first); _exit(0); }
  pthread_mutex_lock(which ? &s->second : &s->first);
  pthread_barrier_wait(&s->held);
  pthread_mutex_lock(which ? &s->first : &s->second);
  _exit(0);
}
int main(void) {
  struct Shared *s = mmap(0, sizeof *s, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  pthread_mutexattr_t mutex; pthread_barrierattr_t barrier;
  pthread_mutexattr_init(&mutex); pthread_mutexattr_setpshared(&mutex, PTHREAD_PROCESS_SHARED);
  pthread_barrierattr_init(&barrier); pthread_barrierattr_setpshared(&barrier, PTHREAD_PROCESS_SHARED);
  pthread_mutex_init(&s->first, &mutex); pthread_mutex_init(&s->second, &mutex);
  pthread_barrier_init(&s->held, &barrier, 3);
  for (int which = 0; which < 3; which++) if (!fork()) child(s, which);
  int ended = 0;
  while (wait(0) > 0) ended++;
  printf("%d have ended\\n", ended);
}
"""


class EndHangTest(GordianCase):
    def kill(self, *command):
        return self.run_json("--on-deadlock=kill", "--kill-after", PATIENCE, "--", *command)

    def hang(self):
        return self.compile("hang.c", HANG)

    def test_cmd_itself(self):
        result, report = self.kill(self.hang())
        self.assertEqual(result.returncode, 66, result.stderr)
        self.assertEqual(report["run"]["status"], "ended by gordian")

    def test_a_shell_goes_on_and_its_other_child_lives(self):
        script = f"sleep 1000 & helper=$!; {self.hang()}; echo code $?; kill $helper && echo lived"
        result, report = self.kill("sh", "-c", script)
        self.assertEqual(result.stdout.splitlines(), ["code 143", "lived"], result.stderr)
        self.assertEqual(result.returncode, 66)
        self.assertEqual([finding["rule"] for finding in report["findings"]], ["deadlock"])

    def test_the_exit_code_of_cmd_stays(self):
        result, report = self.kill("sh", "-c", f"{self.hang()}; exit 8")
        self.assertEqual((result.returncode, report["run"]["status"]), (8, "exited 8"))

    def test_what_ignores_it_is_killed(self):
        program = self.compile("ignores.c", IGNORES_TERM)
        result, _ = self.kill("sh", "-c", f"{program}; echo code $?")
        self.assertEqual(result.stdout, "code 137\n")

    def test_a_ring_of_processes_and_what_hangs_behind_it(self):
        program = self.compile("processes.c", PROCESSES)
        result, report = self.kill(program)
        self.assertEqual(result.stdout, "3 have ended\n", result.stderr)
        self.assertNotIn("lock-held-by-killed-process", {finding["rule"] for finding in report["findings"]})

    def test_ctest_names_the_test_and_runs_the_rest(self):
        (self.folder / "CTestTestfile.cmake").write_text(
            f'add_test(hangs "{self.hang()}")\nadd_test(passes "/bin/true")\n')
        result, _ = self.kill(shutil.which("ctest"))
        self.assertRegex(result.stdout, r"hangs \.+Subprocess terminated\*\*\*")
        self.assertRegex(result.stdout, r"passes \.+ +Passed")
        self.assertEqual(result.returncode, 8, result.stdout + result.stderr)

    def test_make_check_names_the_test_and_runs_the_rest(self):
        (self.folder / "Makefile").write_text(
            f"check: hangs passes\nhangs:\n\t{self.hang()}\npasses:\n\t@echo passes ran\n")
        result, _ = self.kill("make", "-k", "check")
        self.assertRegex(result.stderr, r"make: \*\*\* \[Makefile:3: hangs\] Terminated")
        self.assertIn("passes ran", result.stdout)
        self.assertEqual(result.returncode, 2)

    def test_a_python_test_fails_and_the_rest_runs(self):
        (self.folder / "test_both.py").write_text(textwrap.dedent(f"""\
            import subprocess, unittest
            class Both(unittest.TestCase):
                def test_hangs(self):
                    subprocess.run(["{self.hang()}"], check=True)
                def test_passes(self):
                    pass
            """))
        result, _ = self.kill("/usr/bin/python3", "-m", "unittest", "-v", "test_both")
        self.assertRegex(result.stderr, r"test_hangs .*ERROR")
        self.assertRegex(result.stderr, r"test_passes .*ok")
        self.assertRegex(result.stderr, r"died with <Signals.SIGTERM")
        self.assertEqual(result.returncode, 1)

    def test_cmake_launches_each_test(self):
        """The recipe of docs/ci.md, with the variable of the CMake that is here."""
        (self.folder / "hang.c").write_text(HANG)
        (self.folder / "pass.c").write_text("int main(void) { return 0; }\n")
        (self.folder / "CMakeLists.txt").write_text(textwrap.dedent("""\
            cmake_minimum_required(VERSION 3.20)
            project(shop C)
            enable_testing()
            find_package(Threads REQUIRED)
            add_executable(hangs hang.c)
            target_link_libraries(hangs Threads::Threads)
            add_executable(passes pass.c)
            add_test(NAME hangs COMMAND hangs)
            add_test(NAME passes COMMAND passes)
            """))
        launcher = f"{GORDIAN};run;--on-deadlock=kill;--"
        build = str(self.folder / "build")
        self.tool("cmake", "-S", ".", "-B", build, f"-DCMAKE_CROSSCOMPILING_EMULATOR={launcher}",
                  f"-DCMAKE_TEST_LAUNCHER={launcher}")
        self.tool("cmake", "--build", build)
        result = self.run_tool("ctest", "--test-dir", build, "--output-on-failure")
        self.assertRegex(result.stdout, r"hangs \.+\*\*\*Failed")
        self.assertIn("ERROR deadlock (confirmed)", result.stdout)
        self.assertRegex(result.stdout, r"passes \.+ +Passed")
        self.assertEqual(result.returncode, 8)

    def run_tool(self, *command):
        return subprocess.run(command, cwd=self.folder, env=self.environment(), capture_output=True, text=True,
                              timeout=PATIENCE, check=False)

    def tool(self, *command):
        result = self.run_tool(*command)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)


if __name__ == "__main__":
    unittest.main()
