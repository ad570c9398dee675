"""A consumer takes items and never says that they are done: join() of the queue waits for ever."""
# OPTIONS: --on-deadlock=kill
# HANGS
# EXPECT: deadlock
import queue
import threading

jobs = queue.Queue()


def consume():
    for _ in range(3):
        jobs.get()


threading.Thread(target=consume).start()
for job in range(3):
    jobs.put(job)
jobs.join()
