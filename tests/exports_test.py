"""What the shim shows to a program and asks of it: its hooks, and libc."""
import os
import pathlib
import re
import subprocess
import unittest

SOURCE = pathlib.Path(os.environ["GORDIAN_SOURCE"])
SHIM = pathlib.Path(os.environ["GORDIAN_BUILD"]) / "lib" / "libgordian_preload.so"

INTERCEPT = re.compile(r"^INTERCEPT\(\s*[^,()]+,\s*(\w+)", re.MULTILINE)
ALIAS = re.compile(r"^INTERCEPT_ALIAS\(\s*(\w+),\s*(\w+)", re.MULTILINE)
API = re.compile(r"^GORDIAN_WEAK_FUNCTION_\(\w+, (\w+)\)", re.MULTILINE)
ASSEMBLY_HOOK = re.compile(r"^\s*\.globa?l\s+(\w+)\n(?!\s*\.hidden)", re.MULTILINE)

# libgcc's unwinder, linked in statically, refers to these in code that registers unwind tables by hand and that
# nothing calls here. Everything else that allocates, loads or prints is forbidden.
UNWINDER_NEEDS = {"malloc", "free", "dl_iterate_phdr"}
FORBIDDEN = re.compile(
    r"malloc|calloc|realloc|free|aligned_alloc|memalign|posix_memalign|valloc|_Zn[wa].*|_Zd[la].*|dlopen|dlmopen|"
    r"dl_iterate_phdr|backtrace.*|\w*printf\w*|puts|putchar|perror|fopen|fwrite|fputs|fflush|setlocale|syslog|"
    r"signal|sigaction|pthread_create|getenv_r|setenv|putenv")


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def imports():
    return {line.split()[-1].split("@")[0] for line in run("nm", "-D", "--undefined-only", str(SHIM)).splitlines()}


def exports():
    """What other objects can bind to: the linker also lists hidden symbols, which the loader passes over."""
    rows = [line.split() for line in run("readelf", "--dyn-syms", "-W", str(SHIM)).splitlines()]
    return {row[7] for row in rows if len(row) == 8 and row[4] in ("GLOBAL", "WEAK", "UNIQUE")
            and row[5] in ("DEFAULT", "PROTECTED") and row[6] != "UND"}


def api():
    """What libsync/annotate.h asks of the shim."""
    return set(API.findall((SOURCE / "libsync" / "include" / "libsync" / "annotate.h").read_text()))


class ExportsTest(unittest.TestCase):
    def test_exports_are_the_hooks_and_the_annotations_and_nothing_else(self):
        hooks = set()
        for path in (SOURCE / "preload").glob("*.cc"):
            hooks |= set(INTERCEPT.findall(path.read_text())) | {other for other, _ in ALIAS.findall(path.read_text())}
        for path in (SOURCE / "preload").glob("*.S"):
            hooks |= set(ASSEMBLY_HOOK.findall(path.read_text()))
        self.assertIn("pthread_mutex_lock", hooks)
        self.assertIn("vfork", hooks)
        self.assertEqual(len(api()), 2)
        self.assertEqual(exports(), hooks | api())

    def test_other_names_are_the_same_hook(self):
        rows = [line.split() for line in run("nm", "-D", "--defined-only", str(SHIM)).splitlines()]
        address = {name: value for value, _, name in rows}
        others = {"__vfork": "vfork"}
        for path in (SOURCE / "preload").glob("*.cc"):
            others.update(ALIAS.findall(path.read_text()))
        self.assertIn("__fork", others)
        self.assertEqual({name: address[name] for name in others}, {name: address[others[name]] for name in others})

    def test_needs_libc_and_the_dynamic_linker_only(self):
        needed = set(re.findall(r"\(NEEDED\).*\[(.*)\]", run("readelf", "-dW", str(SHIM))))
        self.assertIn("libc.so.6", needed)
        self.assertLessEqual(needed, {"libc.so.6", "ld-linux-x86-64.so.2"})

    def test_defines_no_version(self):
        # A named version node would disable every hook in silence.
        self.assertNotIn("VERDEF", run("readelf", "-dW", str(SHIM)))

    def test_no_symbol_is_unique_to_the_process(self):
        # STB_GNU_UNIQUE would bind the program's C++ library to ours.
        self.assertNotIn("UNIQUE", run("readelf", "--dyn-syms", "-W", str(SHIM)))

    def test_imports_nothing_that_allocates_loads_or_prints(self):
        imported = imports()
        self.assertIn("dlsym", imported)
        wrong = {name for name in imported if FORBIDDEN.fullmatch(name)} - UNWINDER_NEEDS
        self.assertEqual(wrong, set())

    def test_the_floor_is_glibc_2_35(self):
        versions = {tuple(map(int, version.split(".")))
                    for version in re.findall(r"GLIBC_([\d.]+)", run("readelf", "-VW", str(SHIM)))}
        self.assertLessEqual(max(versions), (2, 35))

    def test_binds_at_once_and_stays_loaded(self):
        flags = run("readelf", "-dW", str(SHIM))
        self.assertRegex(flags, r"FLAGS_1.*NOW")
        self.assertRegex(flags, r"FLAGS_1.*NODELETE")


if __name__ == "__main__":
    unittest.main()
