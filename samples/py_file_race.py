# Python processes count in a file without a lock. The barrier only makes sure that they meet.
# EXPECT: file-race
import multiprocessing


def count(barrier):
    with open("counter") as file:
        number = int(file.read())
    barrier.wait()
    with open("counter", "w") as file:
        file.write(str(number + 1))


if __name__ == "__main__":
    with open("counter", "w") as file:
        file.write("0")
    fork = multiprocessing.get_context("fork")
    barrier = fork.Barrier(2)
    processes = [fork.Process(target=count, args=(barrier,)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
