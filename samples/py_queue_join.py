"""A parent joins its child before it takes the result out of the queue: the child cannot end until it is taken."""
# OPTIONS: --on-deadlock=kill-tree
# HANGS
# EXPECT: deadlock
import multiprocessing


def work(results):
    results.put(b"x" * 1_000_000)


if __name__ == "__main__":
    multiprocessing.set_start_method("fork")
    results = multiprocessing.Queue()
    child = multiprocessing.Process(target=work, args=(results,))
    child.start()
    child.join()
    print(len(results.get()))
