"""The workers of a pool wait for work, one of them at a pipe and the other for its turn there, while their parent sleeps."""
# EXPECT: clean
import multiprocessing
import time


def double(number):
    return 2 * number


if __name__ == "__main__":
    multiprocessing.set_start_method("fork")
    with multiprocessing.Pool(2) as pool:
        print(pool.map(double, range(4)))
        time.sleep(2)
        print(pool.map(double, range(4)))
        pool.close()
        pool.join()
