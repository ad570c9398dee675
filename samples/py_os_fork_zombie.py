# A Python program forks a helper and never waits for it, while it goes on living.
# OPTIONS: --grace-ms=300
# EXPECT: child-zombie error
import os
import time


def start_helper():
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    return pid


start_helper()
time.sleep(3)  # the program's other work
