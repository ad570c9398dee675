"""The shim as a library that a program is linked with, and the names that a program gives its locks."""
import glob
import json
import os
import re
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.environ["GORDIAN_SOURCE"], "tests", "preload"))

from shim_case import BUILD, CC, CXX, GORDIAN, PATIENCE, SHIM, SOURCE, ShimCase, clean_environment, finish, rules  # noqa: E402

HEADERS = str(SOURCE / "libsync" / "include")
LINKED = [SHIM, f"-Wl,-rpath,{BUILD / 'lib'}"]

# Two locks in two orders, one after the other by luck, in C; then says where it is recorded.
ABBA_C = """
    #include <libsync/annotate.h>
    #include <pthread.h>
    #include <sched.h>
    #include <stdio.h>
    #include <unistd.h>
    static pthread_mutex_t first = PTHREAD_MUTEX_INITIALIZER;
    static pthread_rwlock_t second;
    static volatile int done;
    static void* One(void* unused) {
      pthread_mutex_lock(&first);
      pthread_rwlock_wrlock(&second);
      pthread_rwlock_unlock(&second);
      pthread_mutex_unlock(&first);
      done = 1;
      return unused;
    }
    static void* Other(void* unused) {
      while (!done) sched_yield();
      pthread_rwlock_wrlock(&second);
      pthread_mutex_lock(&first);
      pthread_mutex_unlock(&first);
      pthread_rwlock_unlock(&second);
      return unused;
    }
    %(options)s
    int main(void) {
      pthread_t threads[2];
      pthread_rwlock_init(&second, 0);
      gordian_name(&first, "ledger");
      gordian_name(&second, "vault");
      pthread_create(&threads[0], 0, One, 0);
      pthread_create(&threads[1], 0, Other, 0);
      pthread_join(threads[0], 0);
      pthread_join(threads[1], 0);
      printf("%%d %%s\\n", getpid(), gordian_trace_path() ? "recorded" : "not recorded");
      return 0;
    }
"""

# Every kind that has a name, each in a cycle with its neighbour; locks of one name are one class.
NAMES_CC = """
    #include <libsync/condition.h>
    #include <libsync/mutex.h>
    #include <libsync/semaphore.h>
    #include <libsync/shared_mutex.h>
    #include <libsync/thread.h>
    #include <atomic>
    #include <mutex>
    #include <unistd.h>
    #include <sys/wait.h>
    std::atomic<int> turn{0};
    template <typename A, typename B>
    void InTurn(A one, B other) {
      libsync::Thread first("first", [&] { one(); turn = 1; });
      libsync::Thread second("second", [&] { while (turn != 1) {} other(); });
      first.join();
      second.join();
      turn = 0;
    }
    int main(int argc, char**) {
      libsync::Mutex accounts{"accounts"};
      libsync::SharedMutex rates{"rates"};
      std::mutex standard;
      gordian_name(standard.native_handle(), "standard");
      const auto all = [&] {
        InTurn([&] { std::lock_guard a(accounts); std::lock_guard b(rates); },
               [&] { std::lock_guard b(rates); std::lock_guard a(accounts); });
        InTurn([&] { std::lock_guard a(rates); std::lock_guard b(standard); },
               [&] { std::lock_guard b(standard); std::lock_guard a(rates); });
      };
      if (argc > 1 && fork() == 0) {  // what was named before the fork keeps its name
        all();
        _exit(0);
      }
      if (argc > 1) {
        wait(nullptr);
      } else {
        all();
      }
    }
"""


def lock_names(report):
    return sorted(sorted(lock["name"] for lock in finding["locks"]) for finding in report["findings"])


class LinkedTest(ShimCase):
    def compile(self, name, text, *flags):
        source = self.folder / name
        source.write_text(text)
        program = self.folder / f"{name}.out"
        compiler = CXX if name.endswith(".cc") else CC
        standard = "-std=c++17" if name.endswith(".cc") else "-std=gnu11"
        subprocess.run([compiler, standard, "-g", "-O1", "-Wall", "-Wextra", "-Werror", "-pthread", f"-I{HEADERS}",
                        str(source), "-o", str(program), *flags], check=True, timeout=PATIENCE)
        return str(program)

    def abba(self, *flags, options=""):
        body = f'const char* gordian_default_options(void) {{ return "{options}"; }}' if options else ""
        return self.compile("abba.c", ABBA_C % {"options": body}, *flags)

    def run_alone(self, program, **environment):
        result = finish([program], env=clean_environment(**environment), cwd=self.folder)
        self.assertEqual(result.returncode, 0, result)
        pid, recorded = result.stdout.decode().split(" ", 1)
        return int(pid), recorded.strip(), result.stderr.decode()

    def report_of(self, folder):
        path = self.folder / "report.json"
        result = finish([GORDIAN, "report", folder, "--json", path, "--text", "/dev/null"], env=clean_environment())
        self.assertTrue(path.exists(), result)
        return json.loads(path.read_text())

    def test_headers_need_no_library(self):
        program = self.abba()
        needed = subprocess.run(["readelf", "-d", program], check=True, capture_output=True, text=True).stdout
        self.assertNotIn("gordian", needed)
        self.assertEqual(self.run_alone(program)[1:], ("not recorded", ""))
        self.assertEqual(self.run_alone(self.abba("-static"))[1:], ("not recorded", ""))

    def test_names_are_those_of_the_program_in_every_kind_of_code(self):
        for flags in (["-masm=intel"], ["-fno-pie", "-no-pie", "-O2"], LINKED):
            with self.subTest(flags=flags):
                report = self.compare([self.compile("names.cc", NAMES_CC, *flags)],
                                      ["lock-order-cycle", "lock-order-cycle"])
                self.assertEqual(lock_names(report), [["accounts", "rates"], ["rates", "standard"]])
                self.assertEqual({lock["class"] for finding in report["findings"] for lock in finding["locks"]},
                                 {"accounts", "rates", "standard"})

    def test_a_fork_child_knows_the_names(self):
        report = self.compare([self.compile("names.cc", NAMES_CC), "fork"], ["lock-order-cycle", "lock-order-cycle"])
        self.assertEqual(lock_names(report), [["accounts", "rates"], ["rates", "standard"]])

    def test_linked_and_unasked_it_is_silent(self):
        pid, recorded, stderr = self.run_alone(self.abba(*LINKED))
        self.assertEqual((recorded, stderr), ("not recorded", ""))
        self.assertEqual(glob.glob(f"/dev/shm/gordian-{os.geteuid()}/run-{pid}-*"), [])

    def test_linked_it_sees_as_much_as_preloaded(self):
        kept = self.folder / "kept"
        _, recorded, stderr = self.run_alone(self.abba(*LINKED), GORDIAN_OPTIONS=f"watch=0:out={kept}")
        self.assertEqual((recorded, stderr), ("recorded", ""))
        report = self.report_of(kept)
        self.assertEqual(rules(report), ["lock-order-cycle"])
        self.assertEqual(lock_names(report), [["ledger", "vault"]])
        # The self-test at start found that calls come to it first, and that tags work.
        self.assertEqual(report["coverage"]["unseen"], [])

    def test_linked_and_asked_it_reports_by_a_watcher(self):
        _, recorded, stderr = self.run_alone(self.abba(*LINKED), GORDIAN_OPTIONS="watch=1")
        self.assertEqual(recorded, "recorded")
        self.assertIn("ledger and vault are", re.sub(r"\s+", " ", stderr))

    def test_linked_under_gordian_run_it_is_there_once(self):
        path = self.folder / "report.json"
        result = finish([GORDIAN, "run", "--json", path, "--", self.abba(*LINKED)], env=clean_environment())
        self.assertEqual(result.returncode, 66, result)
        report = json.loads(path.read_text())
        self.assertEqual((rules(report), report["coverage"]["processes"]), (["lock-order-cycle"], 1))

    def test_the_program_has_defaults_and_the_environment_wins(self):
        kept, other = self.folder / "kept", self.folder / "other"
        program = self.abba(*LINKED, options=f"watch=0:out={kept}")
        self.assertEqual(self.run_alone(program)[1:], ("recorded", ""))
        self.assertEqual(rules(self.report_of(kept)), ["lock-order-cycle"])
        self.assertEqual(self.run_alone(program, GORDIAN_OPTIONS=f"out={other}")[1:], ("recorded", ""))
        self.assertEqual(rules(self.report_of(other)), ["lock-order-cycle"])
        self.assertEqual(len(os.listdir(kept)), 1)

    def test_defaults_that_only_steer_ask_for_nothing(self):
        self.assertEqual(self.run_alone(self.abba(*LINKED, options="grace_ms=100"))[1:], ("not recorded", ""))

    def test_needed_by_a_library_only_it_says_that_it_cannot_see(self):
        library = self.folder / "libother.so"
        (self.folder / "other.c").write_text("int other(void) { return 1; }\n")
        subprocess.run([CC, "-shared", "-fPIC", str(self.folder / "other.c"), "-o", str(library),
                        "-Wl,--no-as-needed", *LINKED], check=True, timeout=PATIENCE)
        program = self.compile("user.c", """
            #include <stdio.h>
            int other(void);
            int main(void) { printf("1 %d\\n", other()); return 0; }
        """, str(library), f"-Wl,-rpath,{self.folder}")
        kept = self.folder / "kept"
        self.run_alone(program, GORDIAN_OPTIONS=f"watch=0:out={kept}")
        self.assertIn("did not pass through the hooks", " ".join(self.report_of(kept)["coverage"]["unseen"]))


if __name__ == "__main__":
    unittest.main()
