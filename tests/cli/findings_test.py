"""One finding, once: a fingerprint is one finding, and the lines of the report are as many as the summary says."""
import re
import unittest

from gordian_case import GordianCase, rules

DOUBLE_UNLOCK = """
    #include <pthread.h>
    #include <stdlib.h>
    static pthread_mutex_t ledger = PTHREAD_MUTEX_INITIALIZER;
    static void Close(int how) {
      pthread_mutex_lock(&ledger);
      pthread_mutex_unlock(&ledger);
      if (how == 0) {
        pthread_mutex_unlock(&ledger);  /* here */
      } else {
        pthread_mutex_unlock(&ledger);  /* there */
      }
    }
    int main(int argc, char** argv) {
      for (int i = 1; i < argc; ++i) Close(atoi(argv[i]));
      return 0;
    }
"""

LEFT_THREAD = """
    #define _GNU_SOURCE
    #include <pthread.h>
    #include <stdatomic.h>
    #include <stdio.h>
    #include <unistd.h>
    static atomic_int tid;
    static void* Work(void* unused) { tid = gettid(); return unused; }
    int main(void) {
      pthread_t thread;
      char task[64];
      pthread_create(&thread, NULL, Work, NULL);
      while (tid == 0) usleep(1000);
      snprintf(task, sizeof(task), "/proc/self/task/%d", tid);
      while (access(task, F_OK) == 0) usleep(1000);
      return 0;
    }
"""


class FindingsTest(GordianCase):
    def check_lines(self, text):
        """As many lines begin with a level as the summary says."""
        errors, warnings, notes = map(int, re.search(r"gordian: (\d+) errors?, (\d+) warnings?, (\d+) notes? in", text).groups())
        for level, count in (("ERROR", errors), ("WARNING", warnings), ("NOTE", notes)):
            self.assertEqual(len(re.findall(rf"^{level} ", text, re.MULTILINE)), count, text)

    def test_two_places_are_one_finding_with_both_stacks(self):
        program = self.compile("unlocks.c", DOUBLE_UNLOCK)
        source = (self.folder / "unlocks.c").read_text().splitlines()
        here, there = (1 + next(i for i, line in enumerate(source) if f"/* {word} */" in line) for word in ("here", "there"))
        result, report = self.run_json("--", program, "0", "1", "0")
        self.assertEqual(rules(report), ["unlock-not-held"])
        finding = report["findings"][0]
        self.assertEqual(finding["count"], 3)
        places = {place["threads"][0]["at"][0]["line"]: place["count"] for place in finding["places"]}
        self.assertEqual(places, {here: 2, there: 1})
        for line in (here, there):
            self.assertRegex(result.stderr, rf"> #0 Close  \S*unlocks\.c:{line}\n")
        self.check_lines(result.stderr)

    def test_what_was_told_while_it_ran_is_not_repeated(self):
        program = self.compile("hang.c", """
            #include <pthread.h>
            static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
            int main(void) {
              pthread_mutex_lock(&lock);
              return pthread_mutex_lock(&lock);
            }
        """)
        result = self.gordian("run", "--on-deadlock=kill-tree", "--", program)
        self.assertEqual(result.returncode, 66)
        self.assertEqual(len(re.findall("^ERROR self-deadlock", result.stderr, re.MULTILINE)), 1, result.stderr)
        self.assertNotIn("reported above", result.stderr)
        self.check_lines(result.stderr)

    def test_the_same_mistake_of_two_programs_is_two_findings(self):
        fingerprints = []
        for name in ("ships.c", "trains.c"):
            program = self.compile(name, LEFT_THREAD)
            _, report = self.run_json("--", program)
            self.assertEqual(rules(report), ["thread-unjoined"])
            fingerprints.append(report["findings"][0]["fingerprint"])
        self.assertNotEqual(*fingerprints)

    def test_one_mistake_of_ten_processes_is_one_finding(self):
        program = self.compile("unlocks.c", DOUBLE_UNLOCK)
        result, report = self.run_json("--", "sh", "-c", f"for i in 1 2 3 4 5 6 7 8 9 10; do {program} 0; done")
        self.assertEqual([(finding["rule"], finding["count"]) for finding in report["findings"]], [("unlock-not-held", 10)])
        self.check_lines(result.stderr)

    def test_a_short_report_is_a_line_a_finding(self):
        program = self.compile("unlocks.c", DOUBLE_UNLOCK)
        result = self.gordian("run", "--format=short", "--", program, "0", "1", "0")
        lines = result.stderr.splitlines()
        self.assertEqual(len(lines), 2, result.stderr)
        self.assertRegex(lines[0], r"\Aunlocks\.c:\d+: error: unlock-not-held: main unlocks ledger, which nobody holds "
                                   r"\[[0-9a-f]{16}\]\Z")

    def test_a_short_report_tells_of_a_hang_while_it_hangs_and_once(self):
        program = self.compile("hang.c", """
            #include <pthread.h>
            static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
            int main(void) {
              pthread_mutex_lock(&lock);
              return pthread_mutex_lock(&lock);
            }
        """)
        result = self.gordian("run", "--format", "short", "--on-deadlock=kill-tree", "--", program)
        self.assertEqual(len(re.findall(r"^hang\.c:6: error: self-deadlock: ", result.stderr, re.MULTILINE)), 1, result.stderr)


if __name__ == "__main__":
    unittest.main()
