"""Consumers wait for an end marker that nobody puts, and the program for them."""
# OPTIONS: --on-deadlock=kill
# HANGS
# EXPECT: deadlock
import queue
import threading

jobs = queue.Queue()


def consume():
    while (job := jobs.get()) is not None:
        print("job", job)


consumers = [threading.Thread(target=consume) for _ in range(2)]
for consumer in consumers:
    consumer.start()
for job in range(10):
    jobs.put(job)
for consumer in consumers:
    consumer.join()
