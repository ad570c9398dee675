"""Objects of several processes: the calls answer as without the shim, and every process records the same identity."""
import collections
import ctypes
import os
import unittest

from raw_trace import traces
from shim_case import ShimCase

KINDS = ["condition", "mutex", "rwlock", "semaphore", "spinlock"]
CREATED, UNLINKED = 19, 20
SEMAPHORE, MEMORY = 0, 1
IN_MEMORY = 1


def identities(trace, kinds=tuple(KINDS)):
    """{kind: identities of its locks, in their order}"""
    found = collections.defaultdict(list)
    for lock in trace.locks:
        if lock.kind in kinds:
            found[lock.kind].append(lock.shared)
    return found


def short(name):
    """What the probe calls it: without the parts that keep the names of two runs apart."""
    return name.partition("-probe-")[2].rpartition("-")[0]


class SharedTest(ShimCase):
    SOURCES = {"shared.c": []}

    def check(self, scenario, options="", expect=()):
        self.compare([self.probe["shared"], scenario], expect, 0, options)
        return traces(self.traced)

    def names(self, images, kind):
        return sorted((event.value, short(event.text)) for trace in images for event in trace.events
                      if event.kind == kind)

    def test_parent_and_child_mean_the_same(self):
        for scenario in ("anonymous", "file"):
            with self.subTest(scenario):
                images = self.check(scenario)
                self.assertEqual(len(images), 2)
                first, second = map(identities, images)
                self.assertEqual(sorted(first), KINDS)
                self.assertEqual(first, second)
                for (identity,) in first.values():
                    self.assertEqual(identity.space, IN_MEMORY)
                    self.assertNotEqual(identity.inode, 0)
                offsets = {identity.offset for (identity,) in first.values()}
                self.assertEqual(len(offsets), len(KINDS))
                if scenario == "file":
                    self.assertTrue(all(2 * 4096 <= offset < 3 * 4096 for offset in offsets), offsets)
                    self.assertNotEqual(*({lock.address for lock in trace.locks if lock.kind == "mutex"}
                                          for trace in images))

    def test_what_takes_the_place_of_another(self):
        for scenario, count in (("system-v", 2), ("replaced", 3)):
            with self.subTest(scenario):
                for kind, found in identities(max(self.check(scenario), key=lambda trace: len(trace.locks))).items():
                    self.assertEqual(len(found), count, kind)
                    self.assertEqual(len({identity.inode for identity in found}), count, kind)

    def test_memory_that_is_not_shared(self):
        for trace in self.check("private"):
            for kind, found in identities(trace).items():
                self.assertEqual(set(found), {None}, kind)

    def test_named_semaphores(self):
        images = self.check("named", expect=["semaphore-misuse"])  # one of them is asked to hold too much
        found = [[lock for lock in trace.locks if lock.kind == "named semaphore"] for trace in images]
        child, parent = sorted(found, key=len)  # the child knows by its name only what it opened itself
        self.assertEqual([short(lock.name) for lock in parent], ["first", "second"])
        self.assertEqual([short(lock.name) for lock in child], ["second"])
        self.assertEqual(child[0].shared, parent[1].shared)
        self.assertNotEqual(parent[0].shared, parent[1].shared)
        self.assertEqual(self.names(images, CREATED), [(SEMAPHORE, "first"), (SEMAPHORE, "second")])
        self.assertEqual(self.names(images, UNLINKED), [(SEMAPHORE, "first"), (SEMAPHORE, "second")])

    def test_a_semaphore_that_was_there_before(self):
        libc = ctypes.CDLL(None, use_errno=True)
        libc.sem_open.restype = ctypes.c_void_p
        name = f"/gordian-probe-existing-{os.getpid()}".encode()
        self.assertTrue(libc.sem_open(name, os.O_CREAT, 0o600, 1))
        self.addCleanup(libc.sem_unlink, name)
        images = self.check("existing")
        self.assertEqual(self.names(images, CREATED), [])
        self.assertEqual([lock.kind for lock in images[0].locks if lock.kind != "channel"], ["named semaphore"])

    def test_names_of_memory(self):
        images = self.check("memory")
        self.assertEqual(self.names(images, CREATED), [(MEMORY, "memory")])
        self.assertEqual(self.names(images, UNLINKED), [(MEMORY, "memory")])


if __name__ == "__main__":
    unittest.main()
