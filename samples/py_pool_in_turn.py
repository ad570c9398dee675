"""The outer task hands on what is to be waited for, and the caller waits."""
# EXPECT: clean
import concurrent.futures

pool = concurrent.futures.ThreadPoolExecutor(1)


def inner():
    return 1


def outer():
    return pool.submit(inner)


print(pool.submit(outer).result().result())
pool.shutdown()
