"""`gordian attach`: processes that were never started under gordian, explained while they stand there."""
import os
import shutil
import signal
import subprocess
import unittest

from cli.attach_case import FUTEX, AttachCase, children, functions, lines, look, queues, state, switches, tasks, until, verdicts
from cli.gordian_case import GORDIAN, SOURCE, rules

CLOCK_NANOSLEEP, EPOLL_WAIT = 230, 232  # x86-64


class DeadlockTest(AttachCase):
    def found(self, name, calls, queued, rule):
        process = self.run_alone(self.sample(name))
        self.comes_to_rest(process.pid, calls, queued)
        before = switches(process.pid)
        result, report = self.attach(process.pid)
        self.assertEqual(result.returncode, 66, result.stderr)
        self.assertEqual(rules(report), [rule])
        # Nobody was stopped, woken or changed.
        self.assertEqual(switches(process.pid), before)
        self.comes_to_rest(process.pid, calls, queued)
        return process, result, report

    def test_two_locks(self):
        process, result, report = self.found("deadlock", [FUTEX] * 3, 2, "deadlock")
        [finding] = report["findings"]
        self.assertEqual(finding["confidence"], "confirmed")
        self.assertEqual({lock["name"] for lock in finding["locks"]}, {"orders_mutex", "stock_mutex"})
        main, first, second = tasks(process.pid)
        self.assertEqual({thread["tid"] for thread in finding["threads"]}, {main, first, second})
        places = {lines(thread["waits"]["stack"], "deadlock.cc")[0] for thread in finding["threads"]
                  if thread["waits"]["kind"] == "lock"}
        code = (SOURCE / "samples" / "deadlock.cc").read_text().splitlines()
        self.assertEqual({code[line - 1].strip() for line in places},
                         {"std::lock_guard<std::mutex> stock(stock_mutex);",
                          "std::lock_guard<std::mutex> orders(orders_mutex);"})
        self.assertEqual(verdicts(report, process.pid), ["deadlock"] * 3)
        self.assertIn("Stuck behind it", result.stdout)
        for thread in report["snapshot"][0]["threads"]:
            self.assertIn("clone3" if thread["tid"] != main else "_start", functions(thread["stack"]))

    def test_three_locks(self):
        self.found("deadlock_three", [FUTEX] * 4, 3, "deadlock")

    def test_join_and_lock(self):
        process, _, report = self.found("deadlock_join", [FUTEX] * 2, 1, "deadlock")
        main, worker = tasks(process.pid)
        waits = {thread["tid"]: thread["waits"]["kind"] for thread in report["findings"][0]["threads"]}
        self.assertEqual(waits, {main: "join", worker: "lock"})

    def test_ring_of_joins(self):
        self.found("deadlock_join_ring", [FUTEX] * 3, 0, "deadlock")

    def test_everybody_behind_it_is_named(self):
        process = self.run_alone(self.sample("deadlock_behind"))
        # A request that came before the two is over; main joins when all have been started.
        ids = until(lambda: (ids := tasks(process.pid)) and look(process.pid, ids[0]) == ("S", FUTEX)
                    and [queues(process.pid, tid) for tid in ids] == [False] + [True] * (len(ids) - 1) and len(ids) > 2
                    and ids)
        result, report = self.attach(process.pid)
        self.assertEqual((result.returncode, rules(report)), (66, ["deadlock"]))
        self.assertEqual(verdicts(report, process.pid), ["deadlock"] * len(ids))
        self.assertEqual(len(report["findings"][0]["behind"]), len(ids) - 2)

    def test_on_itself(self):
        process, _, report = self.found("self_deadlock", [FUTEX], 1, "self-deadlock")
        [thread] = report["snapshot"][0]["threads"]
        self.assertIn("Registry::Add", functions(thread["stack"]))
        self.assertEqual(thread["tid"], process.pid)

    def test_the_loader(self):
        """A constructor waits for whom the loader keeps waiting until the constructor is done."""
        library = self.compile("library.c", r"""
            #include <pthread.h>
            extern pthread_mutex_t table;
            extern pthread_barrier_t both;
            __attribute__((constructor)) static void Register(void) {
              pthread_barrier_wait(&both);
              pthread_mutex_lock(&table);
            }
            """, "-shared", "-fPIC")
        program = self.compile("main.c", r"""
            #include <dlfcn.h>
            #include <pthread.h>
            pthread_mutex_t table = PTHREAD_MUTEX_INITIALIZER;
            pthread_barrier_t both;
            void* Load(void* path) { return dlopen(path, RTLD_NOW); }
            int main(int argc, char** argv) {
              pthread_t thread;
              pthread_barrier_init(&both, 0, 2);
              pthread_mutex_lock(&table);
              pthread_create(&thread, 0, Load, argv[argc - 1]);
              pthread_barrier_wait(&both);
              dlopen("libm.so.6", RTLD_NOW);
            }
            """, "-rdynamic")
        process = self.run_alone(program, library)
        self.comes_to_rest(process.pid, [FUTEX] * 2, queued=2)
        result, report = self.attach(process.pid)
        self.assertEqual((result.returncode, rules(report)), (66, ["deadlock"]))
        self.assertEqual(verdicts(report, process.pid), ["deadlock"] * 2)
        self.assertIn("table", {lock["name"] for lock in report["findings"][0]["locks"]})

    def test_owner_that_ended(self):
        process, _, report = self.found("abandoned_lock", [FUTEX], 1, "abandoned-lock")
        self.assertEqual(verdicts(report, process.pid), ["owner gone"])

    def test_owner_that_is_not_in_the_child(self):
        parent = self.run_alone(self.sample("fork_inherited_lock"))
        [child] = until(lambda: children(parent.pid))
        self.comes_to_rest(child, [FUTEX], queued=1)
        result, report = self.attach("--tree", parent.pid)
        self.assertEqual(result.returncode, 66)
        self.assertEqual(rules(report), ["abandoned-lock"])
        self.assertIn("of the parent when this process was forked", " ".join(result.stdout.split()))
        self.assertEqual([process["pid"] for process in report["snapshot"]], [parent.pid, child])

    def test_others_that_go_on_are_told_apart(self):
        process = self.run_alone(self.sample("deadlock_others_run"))
        until(lambda: [queues(process.pid, tid) for tid in tasks(process.pid)] == [False, True, True])
        result, report = self.attach(process.pid)
        self.assertEqual(result.returncode, 66)
        self.assertEqual(verdicts(report, process.pid)[1:], ["deadlock"] * 2)
        self.assertNotEqual(verdicts(report, process.pid)[0], "deadlock")

    def test_without_symbols_and_without_frame_pointers_known(self):
        """At -O0 every frame counts from a register that the kernel does not show; stripped, locks have no names."""
        source = SOURCE / "samples" / "deadlock.cc"
        for flags, stripped in ((["-O0"], False), (["-O0", "-static"], False), (["-O2", "-s"], True),
                                (["-O0", "-static", "-s"], True)):
            with self.subTest(" ".join(flags)):
                program = self.folder / ("deadlock" + "".join(flags))
                subprocess.run(["g++", "-std=c++20", "-g", "-pthread", *flags, source, "-o", program], check=True)
                process = self.run_alone(program)
                self.comes_to_rest(process.pid, [FUTEX] * 3, queued=2)
                result, report = self.attach(process.pid)
                self.assertEqual(result.returncode, 66)
                self.assertEqual(rules(report), ["deadlock"])
                for thread in report["findings"][0]["threads"]:
                    stack = thread["waits"]["stack"]
                    self.assertGreater(len(stack), 5)
                    if not stripped:
                        self.assertTrue({"Restock", "PlaceOrder", "main"} & set(functions(stack)), functions(stack))
                        self.assertTrue(lines(stack, "deadlock.cc"))
                if "-O0" in flags:
                    self.assertTrue(any(frame.get("inexact") for thread in report["findings"][0]["threads"]
                                        for frame in thread["waits"]["stack"]))


class SilentTest(AttachCase):
    def silent(self, process, calls, queued=0):
        self.comes_to_rest(process.pid, calls, queued)
        result, report = self.attach(process.pid)
        self.assertEqual((result.returncode, rules(report)), (0, []), result.stdout)
        self.assertNotIn("deadlock", verdicts(report, process.pid))
        return report

    def test_sleep(self):
        report = self.silent(self.run_alone("sleep", "1000"), [CLOCK_NANOSLEEP])
        self.assertEqual([thread["kind"] for thread in report["snapshot"][0]["threads"]], ["sleep"])

    def test_a_server_and_its_idle_pool(self):
        program = self.compile("server.c", r"""
            #include <pthread.h>
            #include <sys/epoll.h>
            pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
            pthread_cond_t work = PTHREAD_COND_INITIALIZER;
            void* Worker(void* unused) {
              pthread_mutex_lock(&mutex);
              for (;;) pthread_cond_wait(&work, &mutex);
              return unused;
            }
            int main(void) {
              pthread_t thread;
              for (int i = 0; i < 3; ++i) pthread_create(&thread, 0, Worker, 0);
              struct epoll_event event;
              epoll_wait(epoll_create1(0), &event, 1, -1);
            }
            """)
        process = self.run_alone(program)
        report = self.silent(process, [EPOLL_WAIT] + [FUTEX] * 3)
        self.assertEqual(verdicts(report, process.pid), ["waiting outside"] * 4)
        threads = report["snapshot"][0]["threads"]
        self.assertEqual({thread["what"] for thread in threads if thread["kind"] == "condition"},
                         {"waits on condition work"})

    def test_a_lock_with_a_timeout(self):
        program = self.compile("timed.c", r"""
            #include <pthread.h>
            #include <time.h>
            int main(void) {
              pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
              struct timespec end;
              clock_gettime(CLOCK_REALTIME, &end);
              end.tv_sec += 1000;
              pthread_mutex_lock(&mutex);
              pthread_mutex_timedlock(&mutex, &end);
            }
            """)
        report = self.silent(self.run_alone(program), [FUTEX], queued=1)
        self.assertTrue(report["snapshot"][0]["threads"][0]["timed"])


class BadInputTest(AttachCase):
    def test_no_process_named(self):
        self.assertEqual(self.gordian("attach").returncode, 2)
        self.assertEqual(self.gordian("attach", "x").returncode, 2)
        self.assertEqual(self.gordian("attach", "0").returncode, 2)

    def test_a_process_that_is_gone(self):
        process = subprocess.Popen(["true"])
        process.wait()
        result, _ = self.attach(process.pid)
        self.assertEqual(result.returncode, 3)
        self.assertIn(f"there is no process {process.pid}", result.stderr)

    @unittest.skipUnless(os.geteuid() == 0 and shutil.which("setpriv"), "needs root to become somebody else")
    def test_a_process_of_somebody_else(self):
        process = self.run_alone("sleep", "1000")
        done = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all",
                               "--bounding-set=-all", GORDIAN, "attach", str(process.pid)], cwd="/", check=False,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn("CAP_SYS_PTRACE", done.stderr)
        self.assertIn("it belongs to user 0, and this is user 65534", done.stderr)

    def test_a_zombie(self):
        process = subprocess.Popen(["true"])
        self.addCleanup(process.wait)
        until(lambda: state(process.pid) == "Z")
        result, report = self.attach(process.pid)
        self.assertEqual((result.returncode, rules(report)), (0, []))
        self.assertEqual(report["snapshot"][0]["threads"][0]["what"], "has ended")

    def test_a_stopped_process(self):
        process = self.run_alone(self.sample("deadlock"))
        self.comes_to_rest(process.pid, [FUTEX] * 3, queued=2)
        os.kill(process.pid, signal.SIGSTOP)
        until(lambda: {state(process.pid, tid) for tid in tasks(process.pid)} == {"T"})
        result, report = self.attach(process.pid)
        self.assertEqual((result.returncode, rules(report)), (66, ["deadlock"]))
        self.assertEqual({state(process.pid, tid) for tid in tasks(process.pid)}, {"T"})


if __name__ == "__main__":
    unittest.main()
