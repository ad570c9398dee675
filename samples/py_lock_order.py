# A bank in Python: a transfer locks the account that it takes from first. Two clerks move money in opposite directions,
# today one after the other: nothing but luck keeps each from getting one lock and waiting for the other.
# EXPECT: lock-order-cycle warning
import mmap
import struct
import threading
import time


class Account:
    def __init__(self):
        self.lock = threading.Lock()
        self.balance = 100


def transfer(source, target, amount):
    with source.lock:
        with target.lock:
            source.balance -= amount
            target.balance += amount


savings, checking = Account(), Account()
# A word in shared memory orders nothing that could be seen.
done = mmap.mmap(-1, 8)


def morning():
    transfer(savings, checking, 10)
    struct.pack_into("q", done, 0, 1)


def evening():
    while struct.unpack_from("q", done)[0] == 0:
        time.sleep(0.001)
    transfer(checking, savings, 20)


clerks = [threading.Thread(target=morning), threading.Thread(target=evening)]
for clerk in clerks:
    clerk.start()
for clerk in clerks:
    clerk.join()
print("savings", savings.balance, "checking", checking.balance)
