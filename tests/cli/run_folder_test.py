"""Where the traces lie when there is little room for them. Every test has a mount namespace of its own."""
import json
import os
import subprocess
import unittest

from gordian_case import GORDIAN, PATIENCE, GordianCase


@unittest.skipUnless(os.geteuid() == 0, "mounting needs root; scripts/test runs as root")
class RunFolderTest(GordianCase):
    def in_namespace(self, script, **options):
        """Runs a shell script in which mounts are private."""
        environment = self.environment(G=GORDIAN, **options.pop("env", {}))
        return subprocess.run(["unshare", "--mount", "--propagation", "private", "sh", "-c", script], cwd=self.folder,
                              env=environment, capture_output=True, text=True, timeout=PATIENCE, **options)

    def coverage(self):
        return " ".join(json.loads((self.folder / "report.json").read_text())["coverage"]["unseen"])

    def test_nothing_is_left_behind(self):
        result = self.in_namespace("""
            mount -t tmpfs tmpfs /dev/shm
            $G run -q -- true; $G run -q -- no-such-command; $G run -q -- sh -c 'kill -9 $$'
            $G run -q --grace-ms 100 -- sh -c 'sleep 30 & kill -9 $!'
            find /dev/shm -mindepth 1
        """)
        self.assertEqual(result.stdout, f"/dev/shm/gordian-{os.geteuid()}\n")

    def test_a_tiny_tmpfs_is_passed_over(self):
        result = self.in_namespace("""
            mount -t tmpfs -o size=64k tmpfs /dev/shm
            mount -t tmpfs -o size=16m tmpfs /run
            $G run -q --json report.json -- sh -c 'echo "$GORDIAN_OPTIONS"; exit 3'
        """)
        self.assertEqual(result.returncode, 3, result.stderr)
        self.assertIn("run=/run/gordian-0/", result.stdout)
        self.assertNotIn("disk", self.coverage())

    def test_a_disk_is_the_last_resort_and_told(self):
        (self.folder / "disk").mkdir()
        result = self.in_namespace("""
            for place in /dev/shm /run; do mount -t tmpfs -o size=64k tmpfs $place; done
            TMPDIR=$PWD/disk $G run -q --json report.json -- sh -c 'echo "$GORDIAN_OPTIONS"; exit 3'
        """)
        self.assertEqual(result.returncode, 3, result.stderr)
        self.assertIn("run=" + str(self.folder / "disk"), result.stdout)
        self.assertIn("disk", self.coverage())

    def test_no_place_at_all_is_125_before_the_start(self):
        result = self.in_namespace("""
            for place in /dev/shm /run /var/tmp; do mount -t tmpfs -o ro tmpfs $place; done
            mount --bind /tmp /tmp && mount -o remount,ro,bind /tmp
            TMPDIR=/tmp $G run -q -- touch started
        """)
        self.assertEqual(result.returncode, 125)
        self.assertRegex(result.stderr, r"\Agordian: no folder for the traces[^\n]*/dev/shm[^\n]*\n\Z")
        self.assertFalse((self.folder / "started").exists())

    def test_a_folder_of_somebody_else_is_not_used(self):
        result = self.in_namespace("""
            mount -t tmpfs tmpfs /dev/shm
            mount -t tmpfs tmpfs /run
            mkdir -m 700 /dev/shm/gordian-0 && chown 1234 /dev/shm/gordian-0
            ln -s /tmp /run/gordian-0
            $G run -q -- sh -c 'echo "$GORDIAN_OPTIONS"'
        """)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertNotIn("run=/dev/shm/gordian-0", result.stdout)
        self.assertNotIn("run=/run/gordian-0", result.stdout)

    def test_a_tmpfs_that_fills_up_later_harms_nothing_and_is_told(self):
        program = self.compile("many.c", """
            #include <fcntl.h>
            #include <pthread.h>
            #include <stdio.h>
            #include <unistd.h>
            static void* Work(void* lock) { pthread_mutex_lock(lock); pthread_mutex_unlock(lock); return 0; }
            int main(void) {
              static char page[4096];
              int fill = open("/dev/shm/fill", O_WRONLY | O_CREAT, 0600);
              while (write(fill, page, sizeof page) > 0) {}
              static pthread_mutex_t locks[4000];
              for (int i = 0; i < 4000; ++i) {
                pthread_t thread;
                pthread_mutex_init(&locks[i], 0);
                pthread_create(&thread, 0, Work, &locks[i]);
                pthread_join(thread, 0);
              }
              puts("done");
              return 3;
            }
        """)
        result = self.in_namespace(f"""
            mount -t tmpfs -o size=4m tmpfs /dev/shm
            $G run -q --json report.json -- {program}
            echo "code $?"
            $G run -q --json report.json --grace-ms 0 -- sh -c '{program} & wait $!; cat </dev/null; exit 4'
        """)
        self.assertEqual(result.stdout, "done\ncode 3\ndone\n")
        self.assertEqual(result.returncode, 4, result.stderr)
        self.assertIn("room", self.coverage())

    def test_who_finds_the_tmpfs_full_goes_on_and_is_named(self):
        result = self.in_namespace("""
            mount -t tmpfs -o size=4m tmpfs /dev/shm
            $G run -q --json report.json -- dash -c '
              while printf %65536s >>/dev/shm/fill; do :; done 2>/dev/null  # in itself: no trace ends and makes room
              echo hello | cat
              exit 4'
        """)
        self.assertEqual((result.returncode, result.stdout), (4, "hello\n"))
        self.assertIn("no space was left", self.coverage())
        self.assertNotIn("LD_PRELOAD", self.coverage())

    def test_many_short_processes_fit_a_small_tmpfs(self):
        program = self.compile("forks.c", """
            #include <stdlib.h>
            #include <sys/wait.h>
            #include <unistd.h>
            int main(int argc, char** argv) {
              int count = atoi(argv[1]);
              for (int i = 0; i < count; ++i) {
                pid_t pid = fork();
                if (pid == 0) { execl("/bin/true", "true", (char*)0); _exit(1); }
                int status = 0;
                if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0) return 1;
              }
              return 3;
            }
        """)
        result = self.in_namespace(f"""
            mount -t tmpfs -o size=16m tmpfs /dev/shm
            $G run -q --json report.json -- {program} 1500
        """)
        self.assertEqual(result.returncode, 3, result.stderr)
        coverage = json.loads((self.folder / "report.json").read_text())["coverage"]
        self.assertGreaterEqual(coverage["processes"], 1501)
        self.assertNotIn("room", " ".join(coverage["unseen"]))

    def test_limits_of_file_size_and_memory_harm_nothing(self):
        for limit in ("ulimit -f 1", "ulimit -f 0", "ulimit -v 200000"):
            with self.subTest(limit):
                result = self.in_namespace(f"""
                    mount -t tmpfs tmpfs /dev/shm
                    $G run -q --json report.json -- sh -c '{limit}; sh -c "exit 4"'
                """)
                self.assertEqual(result.returncode, 4, result.stderr)


if __name__ == "__main__":
    unittest.main()
