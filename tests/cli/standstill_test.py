"""Standstills that `gordian run` tells while they last: waits that no lock's holder ends, with the surroundings that make
them certain, a warning, or none of our business."""
import json
import os
import signal
import subprocess
import time
import unittest

from attach_case import FUTEX, AttachCase, children
from gordian_case import PATIENCE, OwnSleep, read_line, rules

# Longer than it takes to tell a standstill; only tests of silence wait so long.
LONG_ENOUGH = 2.5

SERVER = """
    #include <fcntl.h>
    #include <semaphore.h>
    #include <signal.h>
    #include <stdio.h>
    #include <sys/mman.h>
    #include <unistd.h>
    static sem_t* work;
    static void Stop(int unused) { (void)unused; sem_post(work); }
    static sem_t* Map(const char* path) {
      int file = open(path, O_RDWR | O_CREAT, 0600);
      if (ftruncate(file, sizeof(sem_t)) != 0) return NULL;
      return mmap(NULL, sizeof(sem_t), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    }
    int main(int argc, char** argv) {
      sem_t own;
      work = argc > 2 ? Map(argv[2]) : &own;
      if (argv[1][0] == 'p') {  // the one who posts
        puts("mapped");
        fflush(stdout);
        getchar();
        return sem_post(work);
      }
      sem_init(work, argc > 2, 0);
      if (argv[1][0] == 's') signal(SIGIO, Stop);  // which nobody sends to a server
      puts("now");
      fflush(stdout);
      while (sem_wait(work) != 0) {}
      puts("over");
      return 0;
    }
"""


class StandstillTest(AttachCase):
    def serve(self, *arguments, options=(), **more):
        """The running gordian, its program at its only wait."""
        program = self.compile("server.c", SERVER)
        process = self.start("run", "--json", self.folder / "report.json", "--kill-after", PATIENCE, *options, "--",
                             program, *arguments, **more)
        self.assertEqual(read_line(process.stdout), "now\n")
        return process

    def report(self):
        return json.loads((self.folder / "report.json").read_text())

    def test_told_within_two_seconds(self):
        process = self.serve("wait")
        waiting, = [pid for pid in children(process.pid) if os.path.basename(os.readlink(f"/proc/{pid}/exe")) == "server"]
        self.comes_to_rest(waiting, [FUTEX])
        sleep = OwnSleep(process.pid)
        line = read_line(process.stderr)
        self.assertLess(sleep.seconds(), 2)
        self.assertRegex(line, "ERROR deadlock .*Standstill: main waits, and nobody is left to wake it")
        self.assertIsNone(process.poll())
        process.terminate()
        process.communicate(timeout=PATIENCE)

    def test_a_handler_that_may_end_it_makes_it_a_warning_and_no_reason_to_kill(self):
        process = self.serve("signal", options=["--on-deadlock=kill-tree"])
        self.assertRegex(read_line(process.stderr), "WARNING deadlock .*unless SIG(IO|POLL) comes")
        process.send_signal(signal.SIGIO)
        out, _ = process.communicate(timeout=PATIENCE)
        self.assertEqual((process.returncode, out), (0, "over\n"))
        self.assertEqual([(finding["rule"], finding["level"]) for finding in self.report()["findings"]],
                         [("deadlock", "warning")])

    def test_memory_that_others_may_open_by_its_name_makes_it_a_warning(self):
        process = self.serve("wait", "memory")
        self.assertRegex(read_line(process.stderr), "WARNING deadlock .*unless another process opens")
        process.terminate()
        process.communicate(timeout=PATIENCE)

    def test_a_process_outside_that_maps_the_memory(self):
        program = self.compile("server.c", SERVER)
        poster = subprocess.Popen([program, "post", "memory"], cwd=self.folder, stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, text=True)
        self.addCleanup(self.end, poster)
        self.assertEqual(read_line(poster.stdout), "mapped\n")
        process = self.serve("wait", "memory")
        time.sleep(LONG_ENOUGH)
        poster.communicate("\n", timeout=PATIENCE)
        process.communicate(timeout=PATIENCE)
        self.assertEqual((process.returncode, rules(self.report())), (0, []))

    def test_a_pipe_from_outside(self):
        process = self.start("run", "--json", self.folder / "report.json", "--", "sh", "-c", "cat", stdin=subprocess.PIPE)
        time.sleep(LONG_ENOUGH)
        out, _ = process.communicate("said\n", timeout=PATIENCE)
        self.assertEqual((process.returncode, out, rules(self.report())), (0, "said\n", []))

    def test_two_processes_without_a_trace(self):
        """What gordian cannot record stands still as well: a static program that reads its own pipe."""
        program = self.compile("static.c", """
            #include <fcntl.h>
            #include <stdio.h>
            #include <stdlib.h>
            #include <sys/syscall.h>
            #include <sys/wait.h>
            #include <unistd.h>
            static void AwaitItsWait(int pid) {
              char path[64], text[8] = "";
              snprintf(path, sizeof(path), "/proc/%d/syscall", pid);
              while (atoi(text) != SYS_wait4) {
                int file = open(path, O_RDONLY);
                if (read(file, text, sizeof(text) - 1) < 0) text[0] = 0;
                close(file);
              }
            }
            int main(void) {
              int ends[2];
              char byte;
              if (pipe(ends) != 0) return 1;
              pid_t child = fork();
              if (child == 0) {
                AwaitItsWait(getppid());
                return read(ends[0], &byte, 1) < 0;
              }
              close(ends[0]);
              close(ends[1]);
              waitpid(child, 0, 0);
            }
        """, "-static")
        result, report = self.run_json("--on-deadlock=kill-tree", "--", program)
        self.assertEqual((result.returncode, rules(report)), (66, ["deadlock"]), result.stderr)
        self.assertEqual(len({thread["pid"] for thread in report["findings"][0]["threads"]}), 2)


if __name__ == "__main__":
    unittest.main()
