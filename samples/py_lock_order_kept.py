# A bank in Python that cannot hang: locks in the order of account numbers, a try that backs off, a timeout, an opposite order
# under a gate.
# EXPECT: clean
import threading


class Account:
    def __init__(self, number):
        self.number = number
        self.lock = threading.Lock()


def by_number(source, target):
    first, second = sorted((source, target), key=lambda account: account.number)
    with first.lock, second.lock:
        pass


def with_try(source, target):
    with source.lock:
        if target.lock.acquire(blocking=False):
            target.lock.release()


def with_timeout(source, target):
    with source.lock:
        if target.lock.acquire(timeout=0.1):
            target.lock.release()


gate = threading.RLock()


def under_gate(source, target):
    with gate:
        with source.lock, target.lock:
            pass


for move in (by_number, with_try, with_timeout, under_gate):
    one, other = Account(1), Account(2)
    threads = [threading.Thread(target=move, args=pair) for pair in ((one, other), (other, one))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
