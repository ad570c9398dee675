# A Python program starts a command with subprocess.Popen, keeps the object and never calls wait or poll.
# OPTIONS: --grace-ms=300
# EXPECT: child-zombie error
import subprocess
import time


class Notifier:
    def __init__(self):
        self.sender = None

    def notify(self, text):
        self.sender = subprocess.Popen(["true", text])


notifier = Notifier()
notifier.notify("started")
time.sleep(3)  # the program's other work
