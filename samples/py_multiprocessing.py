# Python's multiprocessing: a pool by fork and a process by spawn, whose helper processes leave by os._exit.
# EXPECT: clean
import multiprocessing


def square(number):
    return number * number


def report(results, number):
    results.put(square(number))


if __name__ == "__main__":
    fork = multiprocessing.get_context("fork")
    with fork.Pool(3) as pool:
        assert pool.map(square, range(50))[-1] == 49 * 49
        pool.close()
        pool.join()
    spawn = multiprocessing.get_context("spawn")
    results = spawn.Queue()
    process = spawn.Process(target=report, args=(results, 12))
    process.start()
    assert results.get() == 144
    process.join()
