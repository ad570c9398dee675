# Python's own threads and locks: the interpreter's GIL and import lock must not show up as findings.
# EXPECT: clean
import concurrent.futures
import queue
import threading

jobs = queue.Queue(maxsize=4)
lock = threading.Lock()
condition = threading.Condition()
results = []


def work():
    import json  # the import lock, from several threads
    while (job := jobs.get()) is not None:
        with lock:
            results.append(json.dumps(job))
    with condition:
        condition.notify_all()


threads = [threading.Thread(target=work) for _ in range(4)]
for thread in threads:
    thread.start()
for number in range(200):
    jobs.put(number)
for _ in threads:
    jobs.put(None)
for thread in threads:
    thread.join()
threading.Thread(target=threading.Event().wait, daemon=True).start()
with concurrent.futures.ThreadPoolExecutor(4) as pool:
    squares = list(pool.map(lambda number: number * number, range(100)))
assert len(results) == 200 and squares[-1] == 9801
