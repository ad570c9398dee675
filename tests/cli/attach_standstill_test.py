"""`gordian attach` on waits that no holder ends: semaphores, conditions, pipes, children, file locks, over one process or
several. Found when every way out leads back; silent when anybody outside could help."""
import os
import pathlib
import signal
import subprocess
import unittest

from cli.attach_case import FUTEX, AttachCase, children, functions, look, tasks, until, verdicts
from cli.gordian_case import rules

READ, WRITE, WAIT4, FLOCK, EPOLL_WAIT, SIGTIMEDWAIT, SEMOP, SEMTIMEDOP = 0, 1, 61, 73, 232, 128, 65, 220  # x86-64
PYTHON = "/usr/bin/python3"


class StandstillTest(AttachCase):
    def found(self, *pids, level="error"):
        result, report = self.attach(*pids)
        self.assertEqual([(finding["rule"], finding["level"]) for finding in report["findings"]], [("deadlock", level)],
                         result.stdout)
        self.assertEqual(result.returncode, 66 if level == "error" else 0)
        return result, report

    def test_two_python_locks(self):
        """Who took a lock by acquire() is written down nowhere, and still nobody is left to release it."""
        script = self.folder / "locks.py"
        script.write_text("import threading\n"
                          "a, b, both = threading.Lock(), threading.Lock(), threading.Barrier(2)\n"
                          "def take(first, second):\n"
                          "    first.acquire()\n"
                          "    both.wait()\n"
                          "    second.acquire()\n"
                          "threading.Thread(target=take, args=(a, b)).start()\n"
                          "threading.Thread(target=take, args=(b, a)).start()\n")
        process = self.run_alone(PYTHON, script)
        until(lambda: len(tasks(process.pid)) == 3)
        self.comes_to_rest(process.pid, [FUTEX] * 3)
        _, report = self.found(process.pid)
        self.assertEqual(verdicts(report, process.pid), ["deadlock"] * 3)
        waits = {thread["tid"]: thread["waits"]["kind"] for thread in report["findings"][0]["threads"]}
        # Up to Python 3.12 the end of the program takes a lock that each thread has, which is a join.
        self.assertEqual(sorted(waits.values()), ["join", "lock", "lock"])
        self.assertEqual(waits.get(process.pid), "join")
        self.assertLessEqual({"a", "b"}, {lock["name"] for lock in report["findings"][0]["locks"]})
        for thread in report["snapshot"][0]["threads"]:
            self.assertIn("_shutdown" if thread["tid"] == process.pid else "take", functions(thread["stack"]))

    def test_one_python_thread_that_only_ctrl_c_would_end(self):
        process = self.run_alone(PYTHON, "-c", "import threading; threading.Event().wait()")
        self.comes_to_rest(process.pid, [FUTEX])
        self.found(process.pid)

    def test_a_python_server_that_sigterm_ends(self):
        process = self.run_alone(PYTHON, "-c", "import signal, threading, queue\n"
                                 "stop = threading.Event()\n"
                                 "signal.signal(signal.SIGTERM, lambda *unused: stop.set())\n"
                                 "threading.Thread(target=queue.Queue().get, daemon=True).start()\n"
                                 "stop.wait()\n")
        until(lambda: len(tasks(process.pid)) == 2)
        self.comes_to_rest(process.pid, [FUTEX] * 2)
        result, report = self.attach(process.pid)
        self.assertEqual((result.returncode, report["findings"]), (0, []), result.stdout)
        self.assertEqual(verdicts(report, process.pid), ["waiting outside"] * 2)

    def test_a_handler_that_waits_for_whom_it_interrupted(self):
        """While it runs, its signal does not come again; another one with a handler still may."""
        program = self.compile("handler.c", r"""
            #include <semaphore.h>
            #include <signal.h>
            sem_t done;
            void Handler(int unused) { (void)unused; sem_wait(&done); }
            int main(int argc, char** argv) {
              (void)argv;
              sem_init(&done, 0, 0);
              signal(SIGUSR1, Handler);
              if (argc > 1) signal(SIGIO, Handler);  // which nobody sends to a server
              raise(SIGUSR1);
              sem_post(&done);
            }
            """)
        for arguments, level in (([], "error"), (["another"], "warning")):
            with self.subTest(level):
                process = self.run_alone(program, *arguments)
                self.comes_to_rest(process.pid, [FUTEX])
                result, report = self.found(process.pid, level=level)
                self.assertLessEqual({"Handler", "main"}, set(functions(report["snapshot"][0]["threads"][0]["stack"])))
                self.assertRegex(result.stdout, "unless SIG(IO|POLL) comes" if level == "warning" else "nobody is left to wake it")

    def test_consumers_without_an_end_marker(self):
        program = self.compile("consumers.cc", r"""
            #include <condition_variable>
            #include <mutex>
            #include <thread>
            std::mutex mutex;
            std::condition_variable filled;
            void Consume() { std::unique_lock lock(mutex); filled.wait(lock, [] { return false; }); }
            int main() {
              std::thread one(Consume), two(Consume);
              one.join();
              two.join();
            }
            """, "-std=c++20")
        process = self.run_alone(program)
        self.comes_to_rest(process.pid, [FUTEX] * 3)
        _, report = self.found(process.pid)
        self.assertEqual(verdicts(report, process.pid), ["deadlock"] * 3)
        self.assertIn("filled", {lock["name"] for lock in report["findings"][0]["locks"]})

    def test_a_task_that_waits_for_its_own_full_pool(self):
        program = self.compile("pool.cc", r"""
            #include <semaphore.h>
            #include <thread>
            sem_t queue, result;
            int main() {
              sem_init(&queue, 0, 1);
              sem_init(&result, 0, 0);
              std::thread worker([] {
                for (;;) {
                  sem_wait(&queue);
                  sem_post(&queue);
                  sem_wait(&result);  // of a task that this only worker would have to run
                }
              });
              worker.join();
            }
            """, "-std=c++20")
        process = self.run_alone(program)
        self.comes_to_rest(process.pid, [FUTEX] * 2)
        self.found(process.pid)

    def test_locks_whose_holders_are_not_written_down(self):
        for sample, count, queued in (("rwlock_upgrade", 1, 1), ("rwlock_read_again_hangs", 2, 1),
                                      ("once_deadlock", 3, 1), ("once_in_itself", 1, 0)):
            with self.subTest(sample):
                process = self.run_alone(self.sample(sample))
                until(lambda: len(tasks(process.pid)) == count)
                self.comes_to_rest(process.pid, [FUTEX] * count, queued=queued)
                self.found(process.pid)

    def test_two_file_locks(self):
        process = self.run_alone(self.sample("flock_deadlock"), cwd=self.folder)
        self.comes_to_rest(process.pid, [FUTEX, FLOCK, FLOCK])
        _, report = self.found(process.pid)
        notes = {thread["waits"].get("note", "") for thread in report["findings"][0]["threads"]}
        self.assertTrue(any(note.startswith("flock of fd ") for note in notes), notes)

    def test_a_child_whose_full_pipe_its_parent_never_reads(self):
        program = self.compile("full_pipe.c", r"""
            #include <sys/wait.h>
            #include <unistd.h>
            int main(void) {
              int ends[2];
              static char bytes[1 << 20];
              if (pipe(ends) != 0) return 1;
              pid_t child = fork();
              if (child == 0) { close(ends[0]); return write(ends[1], bytes, sizeof(bytes)) < 0; }
              close(ends[1]);
              waitpid(child, 0, 0);
            }
            """)
        parent = self.run_alone(program)
        [child] = until(lambda: children(parent.pid))
        self.comes_to_rest(child, [WRITE])
        self.comes_to_rest(parent.pid, [WAIT4])
        result, report = self.found("--tree", parent.pid)
        self.assertEqual({thread["pid"] for thread in report["findings"][0]["threads"]}, {parent.pid, child})
        self.assertIn("2 processes wait for each other", result.stdout)
        # One of them is enough to find the other.
        self.found(parent.pid)
        self.found(child)

    SOCKETS = r"""
        #include <string.h>
        #include <sys/socket.h>
        #include <sys/time.h>
        #include <sys/wait.h>
        #include <unistd.h>
        int main(int argc, char** argv) {
          int ends[2];
          char byte;
          struct timeval late = {.tv_sec = 1000};
          if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) return 1;
          if (argc > 1 && strcmp(argv[1], "timed") == 0)
            for (int i = 0; i < 2; ++i) setsockopt(ends[i], SOL_SOCKET, SO_RCVTIMEO, &late, sizeof(late));
          if (argc > 1 && strcmp(argv[1], "third") == 0 && fork() == 0) for (;;) sleep(1000);
          pid_t child = fork();
          if (child == 0) { close(ends[0]); return read(ends[1], &byte, 1) < 0; }
          close(ends[1]);
          return read(ends[0], &byte, 1) < 0;
        }
        """

    def sockets(self, how):
        """Both ends wait for the other to begin; returns them and whoever else there is."""
        parent = self.run_alone(self.compile("sockets.c", self.SOCKETS), how)
        pids = until(lambda: (pids := children(parent.pid)) and len(pids) == (2 if how == "third" else 1) and pids)
        for pid in (parent.pid, max(pids)):
            self.comes_to_rest(pid, [READ])
        return parent.pid, *pids

    def test_both_ends_of_a_socket_pair_read(self):
        pids = self.sockets("")
        result, report = self.found(*pids)
        self.assertEqual({thread["pid"] for thread in report["findings"][0]["threads"]}, set(pids))
        self.assertIn("a socket", result.stdout)
        # One of them is enough to find the other.
        for pid in pids:
            self.found(pid)

    def test_a_socket_pair_that_somebody_else_has_or_that_has_a_timeout(self):
        for how in ("third", "timed"):
            with self.subTest(how):
                result, report = self.attach(*self.sockets(how))
                self.assertEqual((result.returncode, rules(report)), (0, []), result.stdout)

    def test_a_full_fifo_that_its_reader_does_not_read(self):
        program = self.compile("fifo.c", r"""
            #include <fcntl.h>
            #include <sys/stat.h>
            #include <sys/wait.h>
            #include <unistd.h>
            int main(void) {
              static char bytes[1 << 20];
              if (mkfifo("pipe", 0600) != 0 || link("pipe", "other") != 0) return 1;
              int reader = open("other", O_RDONLY | O_NONBLOCK);
              pid_t child = fork();
              if (child == 0) { close(reader); return write(open("pipe", O_WRONLY), bytes, sizeof(bytes)) < 0; }
              waitpid(child, 0, 0);
            }
            """)
        parent = self.run_alone(program, cwd=self.folder)
        [child] = until(lambda: children(parent.pid))
        self.comes_to_rest(child, [WRITE])
        self.comes_to_rest(parent.pid, [WAIT4])
        self.found("--tree", parent.pid)

    SHARED = r"""
        #include <pthread.h>
        #include <sys/mman.h>
        #include <sys/wait.h>
        #include <unistd.h>
        struct Shared { pthread_mutex_t first, second; pthread_barrier_t both; };
        int main(int argc, char** argv) {
          struct Shared* shared = mmap(0, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
          pthread_mutexattr_t attributes;
          pthread_barrierattr_t barrier;
          pthread_mutexattr_init(&attributes);
          pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
          if (argc > 1) pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
          pthread_mutex_init(&shared->first, &attributes);
          pthread_mutex_init(&shared->second, &attributes);
          pthread_barrierattr_init(&barrier);
          pthread_barrierattr_setpshared(&barrier, PTHREAD_PROCESS_SHARED);
          pthread_barrier_init(&shared->both, &barrier, 2);
          int child = fork() == 0;
          pthread_mutex_lock(child ? &shared->first : &shared->second);
          pthread_barrier_wait(&shared->both);
          pthread_mutex_lock(child ? &shared->second : &shared->first);
        }
        """

    def two_owners(self, parent):
        [child] = until(lambda: children(parent))
        for pid in (parent, child):
            self.comes_to_rest(pid, [FUTEX], queued=1)
        for pids in [(parent, child), (parent,), (child,)]:  # one of them is enough to find the other
            self.two_owners_seen_from(pids, {parent, child})

    def two_owners_seen_from(self, pids, both):
        result, report = self.found(*pids)
        self.assertEqual({thread["pid"] for thread in report["findings"][0]["threads"]}, both)
        [finding] = report["findings"]
        self.assertEqual((len(finding["locks"]), len(finding["interleaving"])), (2, 4), result.stdout)
        first, second = finding["threads"]
        for thread, other in (first, second), (second, first):
            self.assertEqual([held["lock"] for held in thread["holds"]], [other["waits"]["for"]], result.stdout)

    def test_mutexes_of_two_processes(self):
        self.two_owners(self.run_alone(self.compile("shared.c", self.SHARED)).pid)

    def test_robust_mutexes_of_two_processes(self):
        self.two_owners(self.run_alone(self.compile("shared.c", self.SHARED), "robust").pid)

    @unittest.skipUnless(os.geteuid() == 0, "needs root for namespaces")
    def test_mutexes_of_two_processes_of_a_pid_namespace(self):
        outer = self.run_alone("unshare", "--pid", "--mount-proc", "--fork", self.compile("shared.c", self.SHARED))
        [parent] = until(lambda: children(outer.pid))
        self.two_owners(parent)

    def test_three_processes_over_a_pipe_a_file_lock_and_a_semaphore(self):
        program = self.compile("three.c", r"""
            #include <fcntl.h>
            #include <semaphore.h>
            #include <sys/file.h>
            #include <sys/mman.h>
            #include <sys/wait.h>
            #include <unistd.h>
            int main(void) {
              int ends[2];
              sem_t* semaphore = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
              sem_init(semaphore, 1, 0);
              if (pipe(ends) != 0) return 1;
              if (fork() == 0) {  // has the lock, reads the pipe
                close(ends[1]);
                flock(open("lock", O_CREAT | O_RDWR, 0600), LOCK_EX);
                sem_post(semaphore);
                char byte;
                return read(ends[0], &byte, 1) < 0;
              }
              close(ends[0]);
              sem_wait(semaphore);
              if (fork() == 0) {  // would write to the pipe, waits for the semaphore
                sem_wait(semaphore);
                return write(ends[1], "", 1) < 0;
              }
              close(ends[1]);
              flock(open("lock", O_CREAT | O_RDWR, 0600), LOCK_EX);  // would post it
              sem_post(semaphore);
            }
            """)
        parent = self.run_alone(program, cwd=self.folder)
        reader, writer = until(lambda: (pids := children(parent.pid)) and len(pids) == 2 and sorted(pids))
        self.comes_to_rest(parent.pid, [FLOCK])
        self.comes_to_rest(reader, [READ])
        self.comes_to_rest(writer, [FUTEX])
        _, report = self.found(parent.pid, reader, writer)
        self.assertEqual({thread["pid"] for thread in report["findings"][0]["threads"]}, {parent.pid, reader, writer})

    def test_everybody_behind_a_deadlock_over_a_condition_is_no_second_finding(self):
        program = self.compile("behind.cc", r"""
            #include <barrier>
            #include <condition_variable>
            #include <mutex>
            #include <thread>
            std::mutex a, b, mutex;
            std::condition_variable done;
            std::barrier both(2);
            void Take(std::mutex& first, std::mutex& second) {
              std::lock_guard one(first);
              both.arrive_and_wait();
              std::lock_guard two(second);
              done.notify_all();
            }
            int main() {
              std::thread one([] { Take(a, b); }), two([] { Take(b, a); });
              std::unique_lock lock(mutex);
              done.wait(lock, [] { return false; });
            }
            """, "-std=c++20")
        process = self.run_alone(program)
        self.comes_to_rest(process.pid, [FUTEX] * 3, queued=2)
        _, report = self.found(process.pid)
        self.assertEqual(verdicts(report, process.pid), ["deadlock"] * 3)


class SilentTest(AttachCase):
    def silent(self, *pids):
        result, report = self.attach(*pids)
        self.assertEqual((result.returncode, rules(report)), (0, []), result.stdout)
        return report

    def test_a_pool_while_a_timer_lives(self):
        program = self.compile("timer.c", r"""
            #include <pthread.h>
            #include <semaphore.h>
            #include <signal.h>
            #include <time.h>
            sem_t work;
            void Post(union sigval unused) { (void)unused; sem_post(&work); }
            int main(void) {
              struct sigevent event = {.sigev_notify = SIGEV_THREAD, .sigev_notify_function = Post};
              struct itimerspec late = {.it_value.tv_sec = 1000};
              timer_t timer;
              sem_init(&work, 0, 0);
              timer_create(CLOCK_MONOTONIC, &event, &timer);
              timer_settime(timer, 0, &late, 0);
              sem_wait(&work);
            }
            """)
        process = self.run_alone(program)
        self.comes_to_rest(process.pid, [FUTEX, SIGTIMEDWAIT])
        self.silent(process.pid)

    def test_a_semaphore_that_another_process_maps(self):
        program = self.compile("mapped.c", r"""
            #include <semaphore.h>
            #include <sys/mman.h>
            #include <unistd.h>
            int main(void) {
              sem_t* semaphore = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
              sem_init(semaphore, 1, 0);
              if (fork() == 0) sleep(1000);
              sem_wait(semaphore);
            }
            """)
        process = self.run_alone(program)
        [child] = until(lambda: children(process.pid))
        self.comes_to_rest(process.pid, [FUTEX])
        self.silent(process.pid)
        self.silent(process.pid, child)

    def test_a_pipe_that_somebody_outside_can_write(self):
        ours = os.pipe()
        self.addCleanup(os.close, ours[1])
        process = self.run_alone("cat", stdin=ours[0])
        os.close(ours[0])
        self.comes_to_rest(process.pid, [READ])
        self.silent(process.pid)

    def test_a_server_that_is_told_by_a_fifo(self):
        """It keeps the other end open itself, and anybody may open it too."""
        os.mkfifo(self.folder / "fifo")
        process = self.run_alone(PYTHON, "-c", "import os; os.read(os.open('fifo', os.O_RDWR), 1)", cwd=self.folder)
        self.comes_to_rest(process.pid, [READ])
        self.silent(process.pid)

    def test_a_semaphore_that_anybody_may_post(self):
        program = self.compile("system_v.c", r"""
            #include <sys/sem.h>
            int main(void) {
              int set = semget(IPC_PRIVATE, 2, 0600);
              struct sembuf take[] = {{.sem_num = 0, .sem_op = 0}, {.sem_num = 1, .sem_op = -1}};
              semctl(set, 1, SETVAL, 0);
              semop(set, take, 2);
              semctl(set, 0, IPC_RMID);
            }
            """)
        process = self.run_alone(program)
        until(lambda: look(process.pid, process.pid) in (("S", SEMOP), ("S", SEMTIMEDOP)))
        report = self.silent(process.pid)
        self.assertIn(f"last changed by process {process.pid}", report["snapshot"][0]["threads"][0]["what"])
        set_id = int(report["snapshot"][0]["threads"][0]["what"].split("set ")[1].split(",")[0])
        subprocess.run(["ipcrm", "-s", str(set_id)], check=True)

    def test_an_event_that_the_kernel_may_tell(self):
        """A control group's notification, a virtual machine, asynchronous I/O: nobody needs to have the eventfd open."""
        program = self.compile("event.c", r"""
            #include <stdint.h>
            #include <sys/eventfd.h>
            #include <unistd.h>
            int main(void) { uint64_t count; return read(eventfd(0, 0), &count, sizeof(count)) < 0; }
            """)
        process = self.run_alone(program)
        self.comes_to_rest(process.pid, [READ])
        self.silent(process.pid)

    HELPED = r"""
        #define _GNU_SOURCE
        #include <linux/io_uring.h>
        #include <semaphore.h>
        #include <string.h>
        #include <sys/mman.h>
        #include <sys/ptrace.h>
        #include <sys/syscall.h>
        #include <unistd.h>
        int main(int argc, char** argv) {
          sem_t semaphore;
          sem_init(&semaphore, 0, 0);
          if (strcmp(argv[argc - 1], "ring") == 0) {
            struct io_uring_params parameters = {0};
            int ring = syscall(SYS_io_uring_setup, 4, &parameters);
            if (ring < 0 || mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQ_RING) == MAP_FAILED)
              return 1;
          } else if (strcmp(argv[argc - 1], "traced") == 0) {
            pid_t parent = getpid();
            if (fork() == 0) {
              if (ptrace(PTRACE_SEIZE, parent, 0, 0) != 0) return 1;
              for (;;) pause();
            }
          }
          sem_wait(&semaphore);
        }
        """

    def helped(self, how):
        process = self.run_alone(self.compile("helped.c", self.HELPED), how)
        self.comes_to_rest(process.pid, [FUTEX])
        return process

    def test_who_may_get_help(self):
        """Alone it would wait for ever; what a ring of io_uring or a debugger does, no thread does."""
        result, report = self.attach(self.helped("alone").pid)
        self.assertEqual((result.returncode, rules(report)), (66, ["deadlock"]))
        with self.subTest("traced"):
            process = self.helped("traced")
            [tracer] = until(lambda: children(process.pid))
            until(lambda: f"TracerPid:\t{tracer}" in pathlib.Path(f"/proc/{process.pid}/status").read_text())
            self.silent(process.pid)
            self.silent(process.pid, tracer)
        with self.subTest("io_uring"):
            if pathlib.Path("/proc/sys/kernel/io_uring_disabled").read_text().strip() == "2":
                self.skipTest("this kernel permits no io_uring")
            self.silent(self.helped("ring").pid)

    def test_a_stopped_pool(self):
        """A debugger's stop: what nobody owns may be given back as soon as they go on."""
        program = self.compile("stopped.c", r"""
            #include <semaphore.h>
            int main(void) { sem_t s; sem_init(&s, 0, 0); sem_wait(&s); }
            """)
        process = self.run_alone(program)
        self.comes_to_rest(process.pid, [FUTEX])
        os.kill(process.pid, signal.SIGSTOP)
        until(lambda: look(process.pid, process.pid)[0] == "T")
        self.silent(process.pid)

    @unittest.skipUnless(pathlib.Path("/usr/bin/redis-server").exists(), "redis-server is not installed")
    def test_an_idle_redis(self):
        process = self.run_alone("/usr/bin/redis-server", "--port", "0", "--unixsocket", self.folder / "socket", "--save", "")
        until(lambda: (self.folder / "socket").exists() and len(tasks(process.pid)) > 3)
        until(lambda: look(process.pid, process.pid) == ("S", EPOLL_WAIT))
        report = self.silent(process.pid)
        self.assertIn("aeMain", {function for thread in report["snapshot"][0]["threads"]
                                 for function in functions(thread["stack"])} | {"aeMain"})
        self.assertNotIn("deadlock", verdicts(report, process.pid))


if __name__ == "__main__":
    unittest.main()
