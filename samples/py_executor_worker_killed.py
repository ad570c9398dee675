"""The same with a ProcessPoolExecutor, which notices it and raises an exception."""
# EXPECT: clean
import concurrent.futures
import multiprocessing
import os
import signal
from concurrent.futures.process import BrokenProcessPool


def double(number):
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return 2 * number


if __name__ == "__main__":
    with concurrent.futures.ProcessPoolExecutor(2, multiprocessing.get_context("fork")) as executor:
        try:
            print(list(executor.map(double, range(8))))
        except BrokenProcessPool:
            print("a worker was killed")
