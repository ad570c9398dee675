"""The same with an RLock."""
# EXPECT: clean
import threading


class Account:
    def __init__(self):
        self.lock = threading.RLock()
        self.balance = 100

    def total(self):
        with self.lock:
            return self.balance

    def report(self):
        with self.lock:
            return f"balance {self.total()}"


print(Account().report())
