"""A worker of a multiprocessing.Pool is killed with its task: map() waits for a result that nobody brings."""
# OPTIONS: --on-deadlock=kill-tree
# HANGS
# EXPECT: deadlock
import multiprocessing
import os
import signal


def double(number):
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return 2 * number


if __name__ == "__main__":
    multiprocessing.set_start_method("fork")
    with multiprocessing.Pool(2) as pool:
        print(pool.map(double, range(8), chunksize=1))
