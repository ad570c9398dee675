# A Python program leaves a background process behind when it exits.
# OPTIONS: --grace-ms=300
# EXPECT: child-orphan
import os
import time

if os.fork() == 0:
    time.sleep(2.5)  # the child's own work
    os._exit(0)
