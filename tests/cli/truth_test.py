"""What a report says is so: who ended whom, whose child it is, what a refused call did, and how many there are."""
import os
import subprocess
import unittest

from gordian_case import GordianCase, rules

# A worker comes for the lock again and again; `%s` is what its parent does with the lock held.
SHARED = """
    #include <pthread.h>
    #include <signal.h>
    #include <sys/mman.h>
    #include <sys/wait.h>
    #include <unistd.h>
    int main(void) {
      int begun[2];
      char byte = 0;
      pthread_mutexattr_t attr;
      pthread_mutex_t* mutex = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
      pthread_mutexattr_init(&attr);
      pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
      pthread_mutex_init(mutex, &attr);
      if (pipe(begun) != 0) return 1;
      pid_t child = fork();
      if (child == 0) {
        for (int i = 0;; ++i) {
          pthread_mutex_lock(mutex);
          pthread_mutex_unlock(mutex);
          if (i == 0 && write(begun[1], "x", 1) != 1) return 1;
          usleep(1000);
        }
      }
      if (read(begun[0], &byte, 1) != 1) return 1;
      %s
    }
"""
WORKS = "pthread_mutex_lock(mutex); for (volatile long i = 0;; ++i) {}"
KILLED = """
      if (pipe(begun) != 0) return 1;
      pid_t holder = fork();
      if (holder == 0) {
        pthread_mutex_lock(mutex);
        if (write(begun[1], "x", 1) != 1) return 1;
        for (;;) pause();
      }
      if (read(begun[0], &byte, 1) != 1) return 1;
      kill(holder, SIGKILL);
      waitpid(holder, 0, 0);
      for (volatile long i = 0;; ++i) {}
"""

REFUSED = """
    #define _GNU_SOURCE
    #include <pthread.h>
    static pthread_mutex_t mutex = PTHREAD_%s_MUTEX_INITIALIZER_NP;
    static void* Unlock(void* unused) {
      for (int i = 0; i < 40; ++i) pthread_mutex_unlock(&mutex);
      return unused;
    }
    int main(void) {
      pthread_t thread;
      pthread_mutex_lock(&mutex);
      pthread_create(&thread, NULL, Unlock, NULL);
      pthread_join(thread, NULL);
      pthread_mutex_unlock(&mutex);
      return 0;
    }
"""


class TruthTest(GordianCase):
    def test_a_holder_that_gordian_ended_was_not_killed(self):
        result, report = self.run_json("--kill-after", "2", "--", self.compile("works.c", SHARED % WORKS))
        self.assertEqual(result.returncode, 124)
        self.assertEqual(rules(report), [])

    def test_a_holder_that_was_killed_before_is_told_of(self):
        result, report = self.run_json("--kill-after", "2", "--", self.compile("killed.c", SHARED % KILLED))
        self.assertEqual(result.returncode, 124)
        self.assertEqual(rules(report), ["lock-held-by-killed-process"])

    def test_a_refused_unlock_opens_nothing(self):
        for kind in ("ERRORCHECK", "RECURSIVE"):
            _, report = self.run_json("--", self.compile("refused.c", REFUSED % kind))
            finding = next(finding for finding in report["findings"] if finding["rule"] == "unlock-not-owner")
            self.assertIn("EPERM", finding["explanation"])
            self.assertNotIn("opened", finding["explanation"])
            self.assertEqual(finding["count"], 40)

    def test_memory_that_never_was_a_mutex_was_not_destroyed(self):
        program = self.compile("garbage.c", """
            #include <pthread.h>
            #include <string.h>
            int main(void) {
              static pthread_mutex_t mutex;
              memset(&mutex, 0xff, sizeof(mutex));
              pthread_mutex_lock(&mutex);
              return 0;
            }
        """)
        _, report = self.run_json("--", program)
        finding = next(finding for finding in report["findings"] if finding["rule"] == "use-after-destroy")
        self.assertIn("never initialised", finding["title"])

    def test_a_process_that_execs_keeps_its_thread(self):
        result = self.gordian("run", "--", "sh", "-c", "exec sh -c 'exec sh -c \"exec true\"'")
        self.assertIn("in 1 process, 1 thread (", result.stderr)

    def test_the_orphans_of_a_pid_namespace(self):
        inside = ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--mount-proc"]
        if os.getuid() == 0:
            inside = ["unshare", "--pid", "--fork", "--mount-proc"]
        if subprocess.run([*inside, "true"], capture_output=True).returncode != 0:
            self.skipTest("no pid namespace may be made here")
        # Process 1 waits for its service alone, which leaves a child behind.
        script = "import os, subprocess, time\n" \
                 "service = os.fork()\n" \
                 "if service == 0:\n" \
                 "  subprocess.run(['sh', '-c', 'sleep 0.2 & exit 0'])\n" \
                 "  time.sleep(4)\n" \
                 "  os._exit(0)\n" \
                 "os.waitpid(service, 0)\n"
        result, report = self.run_json("--", *inside, "/usr/bin/python3", "-c", script)
        self.assertEqual(rules(report), ["child-zombie"])
        finding = report["findings"][0]
        self.assertNotIn(") started it", finding["explanation"])
        self.assertIn("process 1", finding["explanation"])
        self.assertIn("tini", finding["fix"])
        self.assertNotIn("LD_PRELOAD was removed", result.stderr)


if __name__ == "__main__":
    unittest.main()
