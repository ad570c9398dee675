"""Who holds what others wait for, where no field of the lock says so: `gordian attach`."""
import os
import signal
import unittest

from cli.attach_case import FUTEX, AttachCase, children, functions, look, queues, state, tasks, until, verdicts
from cli.gordian_case import rules

PAUSE, FLOCK, RESTART = 34, 73, 219  # x86-64


def texts(report, pid):
    process = next(process for process in report["snapshot"] if process["pid"] == pid)
    return [thread["what"] for thread in sorted(process["threads"], key=lambda thread: thread["tid"])]


class HandlerTest(AttachCase):
    # The handler needs what the interrupted code has.
    OWN_MUTEX = """
        #include <pthread.h>
        #include <signal.h>
        #include <stdlib.h>
        static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
        static void Handler(int signal) {
          (void)signal;
          pthread_mutex_lock(&mutex);
          pthread_mutex_unlock(&mutex);
        }
        static void* Interrupted(void* unused) {
          stack_t stack = {malloc(65536), 0, 65536};
          struct sigaction action = {0};
          sigaltstack(&stack, 0);
          action.sa_handler = Handler;
          action.sa_flags = FLAGS;
          sigaction(SIGUSR1, &action, 0);
          pthread_mutex_lock(&mutex);
          pthread_kill(pthread_self(), SIGUSR1);
          return unused;
        }
    """
    IN_MAIN = OWN_MUTEX + "int main(void) { Interrupted(0); }"
    IN_THREAD = OWN_MUTEX + """
        int main(void) {
          pthread_t thread;
          pthread_create(&thread, 0, Interrupted, 0);
          pthread_join(thread, 0);
        }
    """

    def check_handler(self, source, flags, calls):
        process = self.run_alone(self.compile("handler.c", source, f"-DFLAGS={flags}"))
        self.comes_to_rest(process.pid, calls, queued=1)
        result, report = self.attach(process.pid)
        self.assertEqual((result.returncode, rules(report)), (66, ["self-deadlock"]), result.stderr)
        stack = functions(report["findings"][0]["threads"][0]["waits"]["stack"])
        handler = stack.index("Handler")
        self.assertEqual(stack[handler + 1], "<signal handler called>", stack)
        self.assertIn("Interrupted", stack[handler + 2:])
        self.assertRegex(result.stdout, r"(?s)Handler .*<signal handler called>.*Interrupted ")

    def test_in_main(self):
        self.check_handler(self.IN_MAIN, "0", [FUTEX])

    def test_on_an_alternate_stack(self):
        self.check_handler(self.IN_MAIN, "SA_ONSTACK", [FUTEX])

    def test_in_another_thread(self):
        self.check_handler(self.IN_THREAD, "SA_ONSTACK", [FUTEX] * 2)

    def test_of_the_allocator(self):
        process = self.run_alone(self.compile("malloc.c", """
            #include <pthread.h>
            #include <signal.h>
            #include <stdlib.h>
            #include <sys/time.h>
            #include <unistd.h>
            static void OnAlarm(int signal) {
              (void)signal;
              void* volatile block = malloc(50000);
              free(block);
            }
            static void* Idle(void* unused) { pause(); return unused; }
            int main(void) {
              pthread_t thread;
              sigset_t alarm;
              struct itimerval often = {{0, 300}, {0, 300}};
              sigemptyset(&alarm);
              sigaddset(&alarm, SIGALRM);
              pthread_sigmask(SIG_BLOCK, &alarm, 0);
              pthread_create(&thread, 0, Idle, 0);
              pthread_sigmask(SIG_UNBLOCK, &alarm, 0);
              signal(SIGALRM, OnAlarm);
              setitimer(ITIMER_REAL, &often, 0);
              for (unsigned i = 0;; ++i) {
                void* volatile block = malloc(20000 + i % 7 * 4000);
                free(block);
              }
            }
        """))
        self.comes_to_rest(process.pid, [FUTEX, PAUSE], queued=1)
        result, report = self.attach(process.pid)
        self.assertEqual((result.returncode, rules(report)), (66, ["self-deadlock"]), result.stderr)
        [finding] = report["findings"]
        self.assertEqual(finding["locks"][0]["name"], "malloc's arena lock")
        stack = functions(finding["threads"][0]["waits"]["stack"])
        self.assertIn("<signal handler called>", stack[stack.index("OnAlarm"):])
        self.assertIn("async-signal-safe", finding["fix"])


class PollingTest(AttachCase):
    def test_a_holder_that_polls(self):
        process = self.run_alone(self.compile("polls.c", """
            #include <pthread.h>
            #include <unistd.h>
            static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
            static volatile int ready;
            static void* Poll(void* unused) {
              pthread_mutex_lock(&mutex);
              while (!ready) usleep(2000);
              return unused;
            }
            int main(void) {
              pthread_t thread;
              pthread_create(&thread, 0, Poll, 0);
              while (pthread_mutex_trylock(&mutex) == 0) pthread_mutex_unlock(&mutex);
              pthread_mutex_lock(&mutex);
            }
        """))
        until(lambda: queues(process.pid, process.pid))
        result, report = self.attach(process.pid)
        self.assertEqual((result.returncode, rules(report)), (0, []), result.stderr)
        self.assertEqual(verdicts(report, process.pid), ["waiting outside", "polling"])
        self.assertRegex(texts(report, process.pid)[0], r"held by .*, which polls at one place")
        self.assertRegex(result.stdout, r"POLLING .*sleeps")

    def test_a_wait_that_a_stop_broke_off_goes_on(self):
        process = self.run_alone(self.compile("timed.c", """
            #include <pthread.h>
            #include <time.h>
            static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
            static void* Wait(void* unused) {
              struct timespec end = {time(0) + 10000, 0};
              pthread_mutex_timedlock(&mutex, &end);
              return unused;
            }
            int main(void) {
              pthread_t thread;
              pthread_mutex_lock(&mutex);
              pthread_create(&thread, 0, Wait, 0);
              pthread_join(thread, 0);
            }
        """))
        self.comes_to_rest(process.pid, [FUTEX] * 2, queued=1)
        os.kill(process.pid, signal.SIGSTOP)
        until(lambda: state(process.pid) == "T")
        os.kill(process.pid, signal.SIGCONT)
        waiter = tasks(process.pid)[1]
        until(lambda: look(process.pid, waiter) == ("S", RESTART))
        _, report = self.attach(process.pid)
        self.assertRegex(texts(report, process.pid)[1], "waits for mutex mutex, held by main")


class FileLockTest(AttachCase):
    def test_a_child_keeps_the_lock_of_who_has_ended(self):
        program = self.compile("kept.c", """
            #include <fcntl.h>
            #include <sys/file.h>
            #include <sys/wait.h>
            #include <unistd.h>
            int main(int count, char** arguments) {
              int fds[2];
              char byte;
              if (count != 2 || pipe(fds) != 0) return 1;
              if (fork() == 0) {
                int file = open(arguments[1], O_CREAT | O_RDWR, 0600);
                flock(file, LOCK_EX);
                if (fork() == 0) {
                  if (write(fds[1], "", 1) == 1) pause();
                }
                _exit(0);
              }
              wait(0);
              if (read(fds[0], &byte, 1) != 1) return 1;
              return flock(open(arguments[1], O_RDWR), LOCK_EX);
            }
        """)
        process = self.run_alone(program, self.folder / "locked")
        self.comes_to_rest(process.pid, [FLOCK])
        _, report = self.attach(process.pid)
        self.assertRegex(texts(report, process.pid)[0],
                         r"is in flock of fd \d+, .*/locked, held by pid \d+ by fd \d+, "
                         r"inherited by fork from pid \d+, which has ended")

    def test_a_holder_that_took_it_itself(self):
        program = self.compile("taken.c", """
            #include <fcntl.h>
            #include <sys/file.h>
            #include <unistd.h>
            int main(int count, char** arguments) {
              if (count != 2) return 1;
              flock(open(arguments[1], O_CREAT | O_RDWR | O_CLOEXEC, 0600), LOCK_EX);
              if (fork() == 0) execl(arguments[0], arguments[0], arguments[1], NULL);
              return pause();
            }
        """)
        process = self.run_alone(program, self.folder / "locked")
        [child] = until(lambda: children(process.pid))
        self.comes_to_rest(child, [FLOCK])
        _, report = self.attach(child)
        self.assertRegex(texts(report, child)[0], rf"held by pid {process.pid} by fd \d+$")


if __name__ == "__main__":
    unittest.main()
