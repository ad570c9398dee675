"""A task of a thread pool waits for another task of the same pool, which has no thread left."""
# OPTIONS: --on-deadlock=kill
# HANGS
# EXPECT: deadlock
import concurrent.futures

pool = concurrent.futures.ThreadPoolExecutor(1)


def inner():
    return 1


def outer():
    return pool.submit(inner).result()


print(pool.submit(outer).result())
