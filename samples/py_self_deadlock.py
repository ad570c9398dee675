"""A method calls another one of the same object that takes the same lock."""
# OPTIONS: --on-deadlock=kill
# HANGS
# EXPECT: self-deadlock
import threading


class Account:
    def __init__(self):
        self.lock = threading.Lock()
        self.balance = 100

    def total(self):
        with self.lock:
            return self.balance

    def report(self):
        with self.lock:
            return f"balance {self.total()}"


print(Account().report())
