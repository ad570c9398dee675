"""Programs built with sanitizers start under the shim, work, and still find what is theirs to find."""
import unittest

from shim_case import GORDIAN, ShimCase, build, clean_environment, finish

ADDRESS = {"of gcc": ("g++", []), "of gcc, static": ("g++", ["-static-libasan"]), "of clang": ("clang++", [])}
THREAD = {"of gcc": ("g++", []), "of clang": ("clang++", [])}


class SanitizersTest(ShimCase):
    def gordian(self, program, *arguments):
        return finish([GORDIAN, "run", "-q", "--text", self.folder / "report", "--", program, *arguments],
                      env=clean_environment(ASAN_OPTIONS="detect_leaks=0"))

    def check(self, kind, variants, argument, complaint):
        for name, (compiler, flags) in variants.items():
            with self.subTest(name):
                program = build(self.programs, "worker.cc", f"-fsanitize={kind}", *flags, compiler=compiler,
                                name=f"{kind}-{compiler}-{len(flags)}")
                result = self.gordian(program)
                self.assertEqual((result.returncode, result.stdout, result.stderr),
                                 (21, b"child: exit 9\ndid 800\n", b""))
                # Its interceptors stand before the hooks, and hand the calls on.
                self.assertNotIn("coverage", (self.folder / "report").read_text())
                bare = finish([program, argument], env=clean_environment())
                result = self.gordian(program, argument)
                self.assertIn(complaint, bare.stderr)
                self.assertIn(complaint, result.stderr)
                self.assertEqual((bare.returncode, bare.stdout), (result.returncode, result.stdout))

    def test_address(self):
        self.check("address", ADDRESS, "free", b"heap-use-after-free")

    def test_thread(self):
        self.check("thread", THREAD, "race", b"WARNING: ThreadSanitizer: data race")

    def test_a_program_that_keeps_the_calls_to_itself(self):
        source = self.folder / "steal.c"
        source.write_text("""
            #include <pthread.h>
            int pthread_mutex_lock(pthread_mutex_t* mutex) { return mutex == 0; }
            int main(void) {
              pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
              return pthread_mutex_lock(&mutex);
            }
        """)
        program = str(source.with_suffix(""))
        finish(["gcc", "-rdynamic", source, "-o", program])
        self.assertEqual(self.gordian(program).returncode, 0)
        self.assertIn("coverage is not complete", (self.folder / "report").read_text())

    def test_undefined(self):
        program = build(self.programs, "worker.cc", "-fsanitize=undefined")
        self.assertEqual(self.gordian(program).returncode, 21)


if __name__ == "__main__":
    unittest.main()
