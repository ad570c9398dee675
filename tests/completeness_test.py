"""Every function of libc that concerns locks, threads, waiting or processes is hooked or has its reason not to be.

preload/not_hooked.txt is the list of the reasons. Another libc than the one that the list was written for may offer
more: its names are shown as warnings.
"""
import fnmatch
import pathlib
import platform
import re
import subprocess
import unittest
import warnings

from exports_test import SOURCE, api, exports

KNOWN_LIBC = "2.36"
LIST = SOURCE / "preload" / "not_hooked.txt"

# What is looked at, by name. A name may be of several families.
FAMILIES = {
    "mutexes, read-write locks, spinlocks": r"_*pthread_\w*lock\w*|_*pthread_mutex_\w+|mtx_\w+",
    "conditions and barriers": r"_*pthread_(cond|barrier)\w+|cnd_\w+",
    "once": r"_*\w+_once",
    "semaphores": r"sem_\w+|sem(op|timedop|get|ctl)",
    "threads": r"_*pthread_\w+|thrd_\w+|tss_\w+",
    "locks by name": r"\w*lock\w*",
    "waits": r"\w*wait\w*|\w*join\w*|\w*suspend\w*|\w*pause|_*p?select|_*p?poll(_chk)?|lio_listio\w*",
    "sleeps": r"\w*sleep",
    "messages": r"msg(snd|rcv)|mq_(timed)?(send|receive)",
    "locks of streams": r"\w*lockfile|_IO_\w*lock\w*|__fsetlocking",
    "locks of files": r"_*flock\w*|_*lockf\w*|_*fcntl\w*",
    "forks": r"\w*fork\w*|_*clone\d*",
    "children": r"posix_spawn\w*|system|_*(IO_)?popen|pclose|_IO_proc_\w+|daemon|openpty|login_tty|wordexp|rcmd\w*|rexec\w*",
    "exec": r"f?exec[lv]\w*|setsid",
    "ends": r"\w*exit\w*|abort|_*assert\w*|__\w+_chk_fail|__(chk|fortify)_fail|v?errx?|error(_at_line)?|argp_error",
    "kills": r"\w*kill\w*|raise|gsignal|\w*sigqueue|pidfd_send_signal",
    "handlers": r"_*(sigaction|signal|ssignal|sigset|sigvec|sigignore|siginterrupt|bsd_signal|sysv_signal)",
    "signal masks and stacks": r"_*(sigprocmask|sighold|sigrelse|sigblock|sigsetmask|siggetmask|signalfd|sigaltstack|sigstack)",
    "jumps": r"\w*(long|set)jmp\w*|\w+context",
    "memory": r"(mun|mre|m)map(64)?|s?brk|shm\w+|remap_file_pages|\w*madvise|mprotect",
    "system calls": r"syscall|prctl|arch_prctl",
}


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def libc():
    """The libc that the tests run with."""
    return next(line.split()[-1] for line in pathlib.Path("/proc/self/maps").read_text().splitlines()
                if re.search(r"/libc(\.so\.6|-[\d.]+\.so)$", line))


def functions(library):
    """name: {version: address}, and the version that new programs get; without what libc keeps for itself."""
    found, default = {}, {}
    for line in run("nm", "-D", "--defined-only", "--with-symbol-versions", library).splitlines():
        address, kind, symbol = line.split()[-3:]
        name, _, version = symbol.partition("@")
        if kind not in "TtWi" or version.endswith("GLIBC_PRIVATE"):
            continue
        if version.startswith("@"):
            default[name] = version[1:]
        found.setdefault(name, {})[version.lstrip("@")] = address
    return found, default


def in_families(names):
    return {name for name in names if any(re.fullmatch(pattern, name) for pattern in FAMILIES.values())}


def read_list(text):
    """{section: {glob: reason}}"""
    sections, rows = {}, None
    for line in text.splitlines():
        if line.startswith("["):
            rows = sections.setdefault(line.strip("[]"), {})
        elif line and not line.startswith("#"):
            globs, _, reason = line.partition(": ")
            rows.update({glob: reason for glob in globs.split()})
    return sections


def matching(names, globs):
    return {name for name in names if any(fnmatch.fnmatchcase(name, glob) for glob in globs)}


def older_versions(found, default, hooks):
    """Versions of hooked names whose code is another than the one that the hook calls."""
    return {f"{name}@{version}" for name in hooks & found.keys() for version, address in found[name].items()
            if name in default and address != found[name][default[name]]}


class CompletenessTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.found, cls.default = functions(libc())
        cls.looked_at = in_families(cls.found)
        cls.hooks = exports() - api()
        cls.sections = read_list(LIST.read_text())
        cls.known = platform.libc_ver()[1] == KNOWN_LIBC

    def expect_none(self, names, message):
        if names and not self.known:
            warnings.warn(f"glibc {platform.libc_ver()[1]}: {message}: {' '.join(sorted(names))}")
            return
        self.assertEqual(sorted(names), [], message)

    def test_everything_is_hooked_or_has_its_reason(self):
        listed = matching(self.looked_at, self.sections["by design"])
        self.expect_none(self.looked_at - self.hooks - listed,
                         f"neither hooked nor in {LIST.name}: hook them or say why not")

    def test_other_versions_have_their_reason(self):
        other = older_versions(self.found, self.default, self.hooks)
        self.expect_none(other - matching(other, self.sections["older versions"]),
                         f"the hook calls other code than the program asked for: say in {LIST.name} what that changes")

    def test_the_list_is_true(self):
        for glob, reason in {row for rows in self.sections.values() for row in rows.items()}:
            with self.subTest(glob):
                self.assertTrue(reason.strip(), "a row without a reason")
        hooked = matching(self.hooks, self.sections["by design"])
        self.assertEqual(sorted(hooked), [], f"hooked by now: take them out of {LIST.name}")
        names = self.looked_at | older_versions(self.found, self.default, self.hooks)
        self.expect_none({glob for rows in self.sections.values() for glob in rows if not matching(names, [glob])},
                         f"rows of {LIST.name} that fit nothing")

    def test_hooks_are_functions_of_libc(self):
        # _Fork, tgkill and execveat came with newer ones, as some that are hooked may come still.
        self.expect_none(self.hooks - self.found.keys(), "hooked, but no function of libc")

    def test_this_test_can_fail(self):
        self.assertTrue(self.looked_at)
        for family, pattern in FAMILIES.items():
            self.assertTrue(any(re.fullmatch(pattern, name) for name in self.found), f"nothing in: {family}")
        self.assertIn("pthread_mutex_lock", self.looked_at)
        self.assertIn("__pthread_mutex_lock", self.looked_at, "symbols without a default version are seen too")
        self.assertNotIn("malloc", self.looked_at)
        self.assertEqual(matching({"pthread_join", "sem_wait"}, ["pthread_*"]), {"pthread_join"})
        self.assertEqual(older_versions({"f": {"A": "1", "B": "2"}, "g": {"A": "3", "B": "3"}}, {"f": "B", "g": "B"},
                                        {"f", "g"}), {"f@A"})


if __name__ == "__main__":
    unittest.main()
