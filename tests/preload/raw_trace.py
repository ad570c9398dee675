"""The records of a trace as they stand in the file, for tests of what no report shows. libsync/trace/layout.h is the
contract; only what the tests need stands here."""
import collections
import pathlib
import struct

# Offsets into FileHeader.
PID, USED, FUTEX_PLACES = 80, 136, 216
STREAM = 8192
KIND_NAMES = {1: "mutex", 5: "condition", 6: "rwlock", 7: "spinlock", 8: "semaphore", 10: "barrier",
              15: "named semaphore", 16: "System V semaphore", 17: "stream", 19: "channel"}
COMMITTED = 0x474F5244

Lock = collections.namedtuple("Lock", "kind flags address shared name signals")
Shared = collections.namedtuple("Shared", "space device inode offset length")
Event = collections.namedtuple("Event", "kind value error text object")


class RawTrace:
    """locks, events: in the order of their records. Lock.shared, Lock.name and Event.text are resolved; Event.object is
    the kind of the lock that it is about."""

    def __init__(self, path):
        with open(path, "rb") as file:  # most of it is a hole
            head = file.read(STREAM)
            used, = struct.unpack_from("<Q", head, USED)
            self.data = head + file.read(used - STREAM)
        self.pid, = struct.unpack_from("<i", head, PID)
        self.futex_places, = struct.unpack_from("<Q", head, FUTEX_PLACES)
        self.shared, self.texts = {}, {}
        locks, events, kinds = [], [], {}
        at = STREAM
        while at + 16 <= len(self.data):
            kind, units, committed = struct.unpack_from("<HHI", self.data, at)
            if kind == 0 or committed != COMMITTED:
                at += 16 * max(units, 1)
                continue
            reference = at // 16
            if kind == 5:
                row = struct.unpack_from("<BBHHHQIIIIIiIIQ", self.data, at + 8)
                kinds[reference] = KIND_NAMES.get(row[0], row[0])
                locks.append((KIND_NAMES.get(row[0], row[0]), row[2], row[5], row[10], row[12], row[13]))
            elif kind == 8:
                row = struct.unpack_from("<IIIIqIIQIIII", self.data, at + 8)
                events.append((row[0], row[4], row[8], row[10], row[2]))
            elif kind == 10:
                size, = struct.unpack_from("<I", self.data, at + 8)
                self.texts[reference] = self.data[at + 12:at + 12 + size].decode()
            elif kind == 11:
                row = struct.unpack_from("<IIQQQQ", self.data, at + 8)
                self.shared[reference] = Shared(row[0], *row[2:])
            at += 16 * units
        self.locks = [Lock(kind, flags, address, self.shared.get(shared), self.texts.get(name), signals)
                      for kind, flags, address, shared, name, signals in locks]
        self.events = [Event(kind, value, error, self.texts.get(text), kinds.get(object))
                       for kind, value, error, text, object in events]


def paths(run):
    """The files of all traces of a run's folder."""
    return sorted(pathlib.Path(run).glob("*.trace"))


def traces(run):
    """All traces of a run's folder."""
    return [RawTrace(path) for path in paths(run)]
