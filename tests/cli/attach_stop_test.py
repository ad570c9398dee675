"""`gordian attach --stop`, a process that ends or is another one while it is looked at, and one with a trace."""
import os
import pathlib
import signal
import subprocess
import unittest

from cli.attach_case import FUTEX, AttachCase, children, functions, lines, look, queues, state, switches, tasks, until, verdicts
from cli.gordian_case import SOURCE, rules

EPOLL_WAIT = 232  # x86-64

# Stops gordian before or behind its first call of the function that HOLD_AT names.
HOLD = r"""
    #define _GNU_SOURCE
    #include <dlfcn.h>
    #include <signal.h>
    #include <stdarg.h>
    #include <stdlib.h>
    #include <string.h>
    #include <sys/ptrace.h>
    #include <time.h>
    static void Hold(const char* name) {
      static int held;
      const char* at = getenv("HOLD_AT");
      if (!held && at && strcmp(at, name) == 0) { held = 1; raise(SIGSTOP); }
    }
    int nanosleep(const struct timespec* time, struct timespec* left) {
      int (*real)(const struct timespec*, struct timespec*) = dlsym(RTLD_NEXT, "nanosleep");
      Hold("nanosleep");
      return real(time, left);
    }
    long ptrace(enum __ptrace_request request, ...) {
      long (*real)(enum __ptrace_request, ...) = dlsym(RTLD_NEXT, "ptrace");
      va_list list;
      va_start(list, request);
      pid_t pid = va_arg(list, pid_t);
      void* address = va_arg(list, void*);
      void* data = va_arg(list, void*);
      va_end(list);
      long result = real(request, pid, address, data);
      if (request == PTRACE_GETREGS) Hold("ptrace");
      return result;
    }
    """


class HeldCase(AttachCase):
    def held(self, function, *arguments):
        """gordian, stopped in the middle of its work."""
        library = self.compile("hold.c", HOLD, "-shared", "-fPIC", "-ldl")
        environment = {**self.environment(), "LD_PRELOAD": library, "HOLD_AT": function}
        gordian = self.start(*arguments, env=environment)
        until(lambda: state(gordian.pid) == "T")
        return gordian


class StopTest(HeldCase):
    def test_stacks_are_exact(self):
        """At -O0 every frame counts from a register that the kernel does not show of a sleeping thread."""
        program = self.folder / "deadlock"
        subprocess.run(["g++", "-std=c++20", "-g", "-pthread", "-O0", SOURCE / "samples" / "deadlock.cc", "-o", program],
                       check=True)
        process = self.run_alone(program)
        self.comes_to_rest(process.pid, [FUTEX] * 3, queued=2)
        result, report = self.attach("--stop", process.pid)
        self.assertEqual((result.returncode, rules(report)), (66, ["deadlock"]), result.stderr)
        self.assertEqual(verdicts(report, process.pid), ["deadlock"] * 3)
        for thread in report["snapshot"][0]["threads"]:
            self.assertFalse(any(frame.get("inexact") for frame in thread["stack"]), thread)
            self.assertTrue(lines(thread["stack"], "deadlock.cc"))
        # They wait as they did before.
        self.comes_to_rest(process.pid, [FUTEX] * 3, queued=2)

    def test_what_runs_has_a_stack_and_epoll_wait_is_left_alone(self):
        program = self.compile("spin.c", r"""
            #include <pthread.h>
            #include <sys/epoll.h>
            static volatile int spins;
            void* Spin(void* unused) { for (spins = 1;; ++spins) {} return unused; }
            int main(void) {
              pthread_t thread;
              struct epoll_event event;
              pthread_create(&thread, 0, Spin, 0);
              while (!spins) {}
              return epoll_wait(epoll_create1(0), &event, 1, -1) < 0;
            }
            """)
        process = self.run_alone(program)
        until(lambda: len(tasks(process.pid)) == 2 and look(process.pid, process.pid) == ("S", EPOLL_WAIT))
        before = switches(process.pid)[process.pid]
        result, report = self.attach("--stop", process.pid)
        self.assertEqual((result.returncode, rules(report)), (0, []), result.stderr)
        self.assertEqual(switches(process.pid)[process.pid], before)
        spin = next(thread for thread in report["snapshot"][0]["threads"] if thread["tid"] != process.pid)
        self.assertEqual((spin["what"], spin["verdict"]), ("runs", "progressing"))
        self.assertIn("Spin", functions(spin["stack"]))

    def test_broken_off_it_leaves_nothing_stopped(self):
        for end in (signal.SIGINT, signal.SIGKILL):
            with self.subTest(end.name):
                process = self.run_alone(self.sample("deadlock"))
                self.comes_to_rest(process.pid, [FUTEX] * 3, queued=2)
                gordian = self.held("ptrace", "attach", "--stop", process.pid)
                self.assertIn("t", {state(process.pid, tid) for tid in tasks(process.pid)})
                gordian.send_signal(end)
                gordian.send_signal(signal.SIGCONT)
                gordian.wait()
                self.comes_to_rest(process.pid, [FUTEX] * 3, queued=2)
                for tid in tasks(process.pid):
                    status = pathlib.Path(f"/proc/{process.pid}/task/{tid}/status").read_text()
                    self.assertIn("TracerPid:\t0\n", status)

    def test_one_that_is_stopped_already_stays_so(self):
        process = self.run_alone(self.sample("deadlock"))
        self.comes_to_rest(process.pid, [FUTEX] * 3, queued=2)
        process.send_signal(signal.SIGSTOP)
        until(lambda: {state(process.pid, tid) for tid in tasks(process.pid)} == {"T"})
        result, report = self.attach("--stop", process.pid)
        self.assertEqual((result.returncode, rules(report)), (66, ["deadlock"]), result.stderr)
        until(lambda: {state(process.pid, tid) for tid in tasks(process.pid)} == {"T"})


class ComesAndGoesTest(HeldCase):
    def test_a_process_that_ends_between_two_looks(self):
        process = self.run_alone(self.sample("deadlock"))
        self.comes_to_rest(process.pid, [FUTEX] * 3, queued=2)
        gordian = self.held("nanosleep", "attach", process.pid)
        process.kill()
        process.wait()
        gordian.send_signal(signal.SIGCONT)
        _, err = gordian.communicate()
        self.assertEqual(gordian.returncode, 3)
        self.assertIn(f"there is no process {process.pid}", err)

    @unittest.skipUnless(os.geteuid() == 0, "needs root to choose a process's number")
    def test_another_process_with_the_same_number(self):
        again = self.compile("again.c", r"""
            #include <linux/sched.h>
            #include <signal.h>
            #include <stdlib.h>
            #include <sys/syscall.h>
            #include <sys/wait.h>
            #include <unistd.h>
            int main(int argc, char** argv) {
              pid_t wanted = atoi(argv[argc - 1]);
              struct clone_args arguments = {.exit_signal = SIGCHLD, .set_tid = (unsigned long)&wanted, .set_tid_size = 1};
              long child = syscall(SYS_clone3, &arguments, sizeof(arguments));
              if (child < 0) return 1;
              if (child == 0) for (;;) pause();
              return waitpid(child, 0, 0) != child;
            }
            """)
        process = self.run_alone(self.sample("deadlock"))
        self.comes_to_rest(process.pid, [FUTEX] * 3, queued=2)
        gordian = self.held("nanosleep", "attach", process.pid)
        process.kill()
        process.wait()
        self.run_alone(again, process.pid)
        until(lambda: state(process.pid) == "S")
        gordian.send_signal(signal.SIGCONT)
        out, err = gordian.communicate()
        self.assertEqual(gordian.returncode, 3, out)
        self.assertIn(f"there is no process {process.pid}", err)


class TraceTest(AttachCase):
    def test_the_places_of_a_recorded_run_are_added(self):
        gordian = self.start("run", "--", self.sample("deadlock"))
        [pid] = until(lambda: [pid for pid in children(gordian.pid) if pathlib.Path(f"/proc/{pid}/exe").resolve().name == "deadlock"])
        self.addCleanup(os.kill, pid, signal.SIGKILL)
        until(lambda: len(tasks(pid)) >= 3 and sum(queues(pid, tid) for tid in tasks(pid)) == 2)
        result, report = self.attach(pid)
        self.assertEqual((result.returncode, rules(report)), (66, ["deadlock"]), result.stderr)
        [finding] = report["findings"]
        waiters = [thread for thread in finding["threads"] if thread["waits"]["kind"] == "lock"]
        self.assertEqual({lock["name"] for lock in finding["locks"]}, {"orders_mutex", "stock_mutex"})
        for thread in waiters:
            self.assertIn("main", functions(thread["created"]))
            [held] = thread["holds"]
            self.assertTrue(lines(held["stack"], "deadlock.cc"))


if __name__ == "__main__":
    unittest.main()
