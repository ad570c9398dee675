# Python processes count in a file, one with fcntl.flock on a lock file, one with the file itself locked after it
# was opened, one with a lock of multiprocessing: nothing is lost.
# RUN: beside
# RUN: itself
# RUN: lock
# EXPECT: clean
import fcntl
import multiprocessing
import sys


def add_one(file):
    number = int(file.read())
    with open("counter", "w") as out:
        out.write(str(number + 1))


def count(how, lock):
    for _ in range(30):
        if how == "beside":
            with open("counter.lock", "a") as guard:
                fcntl.flock(guard, fcntl.LOCK_EX)
                with open("counter") as file:
                    add_one(file)
        elif how == "itself":
            with open("counter") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                add_one(file)
        else:
            with lock, open("counter") as file:
                add_one(file)


if __name__ == "__main__":
    with open("counter", "w") as file:
        file.write("0")
    fork = multiprocessing.get_context("fork")
    lock = fork.Lock()
    processes = [fork.Process(target=count, args=(sys.argv[1], lock)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    with open("counter") as file:
        assert int(file.read()) == 90
