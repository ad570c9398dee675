"""The words of a report: what is waited for by name, and what to do in terms of the program's own language."""
import os
import shutil
import unittest

from gordian_case import GordianCase, PATIENCE

STANDARD_WAITS = """
    #include <atomic>
    #include <future>
    #include <latch>
    #include <string_view>
    static std::latch started(2);
    static std::atomic<int> state{0};
    int main(int, char **argv) {
      const std::string_view way = argv[1];
      if (way == "latch") started.wait();
      if (way == "atomic") state.wait(0);
      std::promise<int> promise;
      if (way == "promise") promise.get_future().get();
      return 0;
    }
"""
STATICS = """
    #include <pthread.h>
    #include <thread>
    static pthread_barrier_t both;
    struct Config { Config(); };
    struct Logger { Logger(); };
    static Config &TheConfig() { static Config config; return config; }
    static Logger &TheLogger() { static Logger logger; return logger; }
    Config::Config() { pthread_barrier_wait(&both); TheLogger(); }
    Logger::Logger() { pthread_barrier_wait(&both); TheConfig(); }
    int main() {
      pthread_barrier_init(&both, nullptr, 2);
      std::thread one(TheConfig), two(TheLogger);
      one.join(), two.join();
    }
"""
LOADER = """
    #include <dlfcn.h>
    #include <link.h>
    #include <pthread.h>
    #include <stdio.h>
    static pthread_mutex_t plugins = PTHREAD_MUTEX_INITIALIZER;
    static pthread_barrier_t both;
    static int each(struct dl_phdr_info *info, size_t size, void *unused) {
      (void)info, (void)size, (void)unused;
      pthread_barrier_wait(&both);
      pthread_mutex_lock(&plugins);
      pthread_mutex_unlock(&plugins);
      return 1;
    }
    static void *walk(void *unused) { dl_iterate_phdr(each, NULL); return unused; }
    int main(void) {
      pthread_t walker;
      pthread_barrier_init(&both, NULL, 2);
      pthread_create(&walker, NULL, walk, NULL);
      pthread_mutex_lock(&plugins);
      pthread_barrier_wait(&both);
      dlopen("libm.so.6", RTLD_NOW);
      pthread_mutex_unlock(&plugins);
      pthread_join(walker, NULL);
      return 0;
    }
"""
TRY_UNLOCK = """
    #include <errno.h>
    #include <pthread.h>
    int main(void) {
      static pthread_mutex_t mutex = PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP;
      return pthread_mutex_unlock(&mutex) == EPERM ? 0 : 1;
    }
"""
TWO_ORDERS_PY = """
import threading
a, b = threading.Lock(), threading.Lock()
both = threading.Barrier(2)
def one():
    with a:
        both.wait()
        with b: pass
def two():
    with b:
        both.wait()
        with a: pass
threads = [threading.Thread(target=one), threading.Thread(target=two)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""
KILLED_PY = """
import multiprocessing, os, signal
def hold(lock, ready):
    lock.acquire()
    ready.set()
    signal.pause()
context = multiprocessing.get_context("fork")
lock, ready = context.Lock(), context.Event()
child = context.Process(target=hold, args=(lock, ready))
child.start()
ready.wait()
os.kill(child.pid, signal.SIGKILL)
child.join()
lock.acquire()
"""
FULL_QUEUE_PY = """
import multiprocessing
def work(queue):
    queue.put("x" * 1000000)
context = multiprocessing.get_context("fork")
queue = context.Queue()
child = context.Process(target=work, args=(queue,))
child.start()
child.join()
"""
KEPT_PY = """
import threading
orders = threading.Lock()
thread = threading.Thread(target=orders.acquire)
thread.start()
thread.join()
orders.acquire()
"""
FULL_PIPE_PY = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "print('x' * 300000)"], stdout=subprocess.PIPE)
child.wait()
"""


class WordsTest(GordianCase):
    def hang(self, *command, rule="deadlock"):
        """The one finding of a run that hangs, and the report's text."""
        result, report = self.run_json("--on-deadlock=kill", "--kill-after", PATIENCE, "--", *command)
        findings = [finding for finding in report["findings"] if finding["level"] != "note"]
        self.assertEqual([finding["rule"] for finding in findings], [rule], result.stderr)
        return findings[0], " ".join(result.stderr.split()), report

    def script(self, text):
        path = self.folder / "script.py"
        path.write_text(text)
        return "/usr/bin/python3", path

    def test_what_the_standard_library_waits_for(self):
        program = self.compile("waits.cc", STANDARD_WAITS, "-std=c++20")
        for way, note in (("latch", r"std::latch::wait\(\) for started"), ("atomic", r"std::.*::wait\(\) for state"),
                          ("promise", r"std::.*future.*\(\)")):
            finding, text, _ = self.hang(program, way)
            self.assertRegex(finding["threads"][0]["waits"]["note"], note)
            self.assertIn("main is in " + finding["threads"][0]["waits"]["note"], text)
            self.assertNotIn("futex", finding["explanation"])

    def test_a_static_variable_is_no_futex_of_nobody(self):
        _, _, report = self.hang(self.compile("statics.cc", STATICS))
        self.assertEqual(report["coverage"]["unseen"], [])

    def test_locks_of_the_c_library(self):
        for program, name in ((self.compile("loads.c", LOADER, "-D_GNU_SOURCE"), "the loader's lock"),
                              (self.sample("deadlock_stream"), "stdout's lock")):
            finding, _, _ = self.hang(program)
            self.assertTrue(any(lock["name"].startswith(name) for lock in finding["locks"]), finding["locks"])
            self.assertTrue(finding["fix"].startswith("The C library takes its own locks within its calls"), finding["fix"])

    def test_who_waits_to_read(self):
        finding, text, _ = self.hang(self.sample("rwlock_read_again_hangs"))
        self.assertIn("lock shared", [step["action"] for step in finding["interleaving"]])
        self.assertIn("(shared) at", text.split("How it hung")[0])

    def test_a_refused_unlock_is_no_error(self):
        result, report = self.run_json("--", self.compile("tries.c", TRY_UNLOCK, "-D_GNU_SOURCE"))
        finding = report["findings"][0]
        self.assertEqual((result.returncode, finding["rule"], finding["level"]), (0, "unlock-not-held", "warning"))
        self.assertIn("changed nothing", finding["explanation"])
        self.assertNotIn("takes it for an unlock", finding["explanation"])

    def test_python_is_told_in_python(self):
        finding, _, _ = self.hang(*self.script(TWO_ORDERS_PY))
        self.assertIn("`with a, b:`", finding["fix"])
        self.assertNotIn("std::", finding["fix"])
        finding, _, _ = self.hang(*self.script(FULL_PIPE_PY))
        self.assertIn("Popen.communicate()", finding["fix"])
        finding, _, _ = self.hang(*self.script(FULL_QUEUE_PY))
        self.assertTrue(finding["fix"].startswith("Read what the child writes"), finding["fix"])
        held = [lock for thread in finding["threads"] for lock in thread["holds"]]
        self.assertTrue(all(lock["stack"] for lock in held), "what the interpreter had at the fork says nothing")
        finding, _, _ = self.hang(*self.script(KEPT_PY))
        self.assertTrue(finding["fix"].endswith("`with` does that."), finding["fix"])
        finding, _, _ = self.hang(*self.script(KILLED_PY), rule="lock-held-by-killed-process")
        self.assertNotIn("robust", finding["fix"])
        self.assertIn("ask it to end (an Event", finding["fix"])

    @unittest.skipUnless(os.geteuid() == 0 and shutil.which("unshare"), "needs root to make a pid namespace")
    def test_process_one_of_a_namespace_was_seen(self):
        _, report = self.run_json("--", "unshare", "-pf", "--mount-proc", "/usr/bin/python3", "-c", "pass")
        self.assertEqual(report["coverage"]["unseen"], [])

    def test_too_few_come_to_a_barrier(self):
        finding, _, _ = self.hang(self.sample("standstill_barrier"))
        self.assertTrue(finding["fix"].startswith("Fewer threads come"), finding["fix"])

    def test_a_pipe_of_ones_own_and_a_socket_of_two(self):
        finding, _, _ = self.hang(self.sample("standstill_own_pipe_end"))
        self.assertTrue(finding["fix"].startswith("Close the end for writing"), finding["fix"])
        finding, _, _ = self.hang(self.sample("standstill_socket_pair"))
        self.assertTrue(finding["fix"].startswith("Each waits for the other"), finding["fix"])

    def test_a_full_pipe_in_c(self):
        finding, _, _ = self.hang(self.sample("standstill_full_pipe"))
        self.assertTrue(finding["fix"].startswith("Read what the child writes"), finding["fix"])
        self.assertNotIn("Popen", finding["fix"])

    def test_a_semaphore_is_no_robust_mutex(self):
        finding, _, _ = self.hang(self.sample("killed_with_named_semaphore"), rule="lock-held-by-killed-process")
        self.assertNotIn("robust", finding["fix"])
        finding, _, _ = self.hang(self.sample("killed_in_shared_lock"), rule="lock-held-by-killed-process")
        self.assertIn("robust mutex", finding["fix"])


if __name__ == "__main__":
    unittest.main()
