"""Ten producers, two consumers, and an end marker for each of these."""
# EXPECT: clean
import queue
import threading

jobs = queue.Queue(maxsize=3)


def produce(number):
    for job in range(5):
        jobs.put((number, job))


def consume():
    while jobs.get() is not None:
        pass


consumers = [threading.Thread(target=consume) for _ in range(2)]
producers = [threading.Thread(target=produce, args=(number,)) for number in range(10)]
for thread in consumers + producers:
    thread.start()
for producer in producers:
    producer.join()
for _ in consumers:
    jobs.put(None)
for consumer in consumers:
    consumer.join()
