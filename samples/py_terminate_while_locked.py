"""A child is terminated while it holds a lock of multiprocessing, which its sibling then waits for."""
# OPTIONS: --on-deadlock=kill-tree
# HANGS
# EXPECT: lock-held-by-killed-process
import multiprocessing
import time


def hold(lock, has_it):
    with lock:
        has_it.set()
        time.sleep(3600)


def use(lock):
    with lock:
        print("never")


if __name__ == "__main__":
    multiprocessing.set_start_method("fork")
    lock, has_it = multiprocessing.Lock(), multiprocessing.Event()
    holder = multiprocessing.Process(target=hold, args=(lock, has_it))
    holder.start()
    has_it.wait()
    holder.terminate()
    holder.join()
    user = multiprocessing.Process(target=use, args=(lock,))
    user.start()
    user.join()
